"""What all pages share."""

from dataclasses import dataclass

from console_svc.pages.api import Api
from console_svc.pages.languages import Languages
from console_svc.pages.rendering import Renderer
from console_svc.pages.static import StaticFiles
from console_svc.pages.uploads import Uploads
from console_svc.settings import ConsoleSettings
from shared.policy.authority import Authority
from shared.policy.ranks import read_ranks
from shared.web.metrics import Registry


@dataclass(frozen=True, slots=True)
class Core:
    """Settings, metrics, the client of the public API, templates, files, and who outranks whom."""

    settings: ConsoleSettings
    registry: Registry
    api: Api
    renderer: Renderer
    static: StaticFiles
    uploads: Uploads
    authority: Authority

    @classmethod
    def of(cls, settings: ConsoleSettings) -> "Core":
        """Reads templates, languages, theme and ranks; raises `SettingsError` for their faults."""
        static = StaticFiles.read(settings.theme_dir)
        languages = Languages.read(settings.languages_dir, settings.default_language)
        return cls(
            settings=settings,
            registry=Registry(),
            api=Api(settings.gateway_url, settings.session_name, settings.api_seconds),
            renderer=Renderer(languages, static, settings.app_name),
            static=static,
            uploads=Uploads(settings.max_uploads, settings.max_upload_bytes, settings.spool_folder),
            authority=Authority(read_ranks(settings.ranks_path)),
        )
