"""The settings of console-svc."""

from dataclasses import dataclass
from pathlib import Path

from marshmallow import fields, validate

from shared.settings import Parsed, ProcessSettings, port, positive, setting, url
from shared.values.addresses import Network, networks


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleSettings(ProcessSettings):
    """What console-svc is told. It has no key of any other service."""

    served: bool = setting(
        "BARONG_CONSOLE",
        fields.Boolean(),
        "Whether the pages for people are served: `/account`, `/accounts` and `/console`. "
        "Set it to the same value at the gateway, console-svc and oauth-svc.",
        default=True,
    )
    port: int = setting("BARONG_PORT", port(), "Port of the public API.", 8080)
    gateway_url: str = setting(
        "BARONG_GATEWAY_URL",
        url(),
        "The gateway, which console-svc calls for its visitors. The gateway must trust console-svc "
        "as a proxy (BARONG_TRUSTED_PROXIES).",
        "http://authz-gateway:8080",
    )
    trusted_proxies: tuple[Network, ...] = setting(
        "BARONG_TRUSTED_PROXIES",
        Parsed(networks),
        "Networks (CIDR, comma separated) of proxies whose X-Forwarded- headers are believed.",
        (),
    )
    config_dir: str = setting(
        "BARONG_CONFIG_DIR", fields.String(), "Folder of the configuration files.", "deploy/config"
    )
    ranks_file: str = setting(
        "BARONG_RANKS_FILE",
        fields.String(),
        "File with the ranks of roles: nobody changes a user whose role ranks as high "
        "as their own. If blank: `ranks.yaml` of the configuration folder.",
        "",
    )
    session_name: str = setting(
        "BARONG_SESSION_NAME", fields.String(), "Name of the session cookie.", "_barong_session"
    )
    app_name: str = setting(
        "BARONG_APP_NAME", fields.String(), "Name of the application in mails.", "Barong"
    )
    default_language: str = setting(
        "BARONG_DEFAULT_LANGUAGE",
        Parsed(str.lower),
        "Language of mails to users who chose no language, or one without templates.",
        "en",
    )
    languages_dir: str = setting(
        "BARONG_CONSOLE_LANGUAGES_DIR",
        fields.String(),
        "Folder of further languages of the pages, `<language>.po` each "
        "(docs/operators/console.md). A file replaces the packaged one of its language.",
        "",
    )
    theme_dir: str = setting(
        "BARONG_CONSOLE_THEME_DIR",
        fields.String(),
        "Folder of the pages' theme: `theme.css` and `logo.svg`, one of them or both.",
        "",
    )
    api_seconds: float = setting(
        "BARONG_CONSOLE_API_TIMEOUT",
        fields.Float(validate=validate.Range(0.1, 300)),
        "Longest wait of a page for an answer of the API, in seconds.",
        15.0,
    )
    max_upload_bytes: int = setting(
        "BARONG_CONSOLE_MAX_UPLOAD_BYTES",
        positive(),
        "Largest form with files of documents, in bytes.",
        32 * 1024 * 1024,
    )
    spool_folder: str = setting(
        "BARONG_UPLOAD_SPOOL_FOLDER",
        fields.String(),
        "Folder in which files wait until they are complete and checked: on disk, not "
        "in memory, with room for BARONG_UPLOAD_SPOOL_SIZE. If blank: the system's "
        "folder for temporary files.",
        "",
    )
    max_uploads: int = setting(
        "BARONG_CONSOLE_MAX_UPLOADS",
        positive(1000),
        "How many forms with files are taken at the same time, one of each client. Their files "
        "wait on disk.",
        8,
    )

    @property
    def document_types_path(self) -> Path:
        """The file of the types of documents."""
        return Path(self.config_dir, "document_types.yaml")

    @property
    def ranks_path(self) -> Path:
        """The file that says how roles rank."""
        return Path(self.ranks_file or Path(self.config_dir) / "ranks.yaml")
