"""The settings of admin-svc."""

from dataclasses import dataclass
from pathlib import Path

from marshmallow import fields

from shared.settings import PublicServiceSettings, positive, setting, url


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminSettings(PublicServiceSettings):
    """Settings of admin-svc."""

    permissions_file: str = setting(
        "BARONG_PERMISSIONS_FILE",
        fields.String(),
        "File with the permissions that `seed` adds. If blank: `permissions.yaml` of "
        "the configuration folder.",
        "",
    )

    activities_keep_months: int = setting(
        "BARONG_ACTIVITIES_KEEP_MONTHS",
        positive(1200),
        "How many whole months of activities `partitions` keeps besides the current month.",
        24,
    )

    webhooks_internal_url: str = setting(
        "BARONG_WEBHOOKS_INTERNAL_URL",
        url(),
        "webhooks-svc's internal API.",
        "http://webhooks-svc:9080",
    )
    maxminddb_path: str = setting(
        "BARONG_MAXMINDDB_PATH",
        fields.String(),
        "MaxMind file of countries or cities. Without one, restrictions of countries "
        "and continents match nobody.",
        "",
    )
    geoip_lang: str = setting(
        "BARONG_GEOIP_LANG",
        fields.String(),
        "Language of the names of countries and continents in the MaxMind file.",
        "en",
    )

    @property
    def permissions_path(self) -> Path:
        """The file from which permissions are seeded."""
        return Path(self.permissions_file or Path(self.config_dir) / "permissions.yaml")

    @property
    def levels_path(self) -> Path:
        """The file of levels."""
        return Path(self.config_dir) / "levels.yaml"
