"""Every setting of resource-svc."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import phonenumbers
from marshmallow import fields, validate
from phonenumbers import PhoneNumberType

from resource_svc.file_types import extensions
from shared.crypto.key_ring import KeyRing
from shared.settings import Parsed, PublicServiceSettings, positive, setting, url
from shared.web.bodies import MAX_BODY_BYTES

NUMBER_KINDS = {
    name.lower(): value
    for name, value in vars(PhoneNumberType).items()
    if name.isupper() and isinstance(value, int)
}
"""The kinds of phone numbers by name, as numbering plans tell them apart (libphonenumber)."""

_NEVER = "premium_rate"
GLOBAL_SERVICES = "001"
"""The country of satellite and other international services in libphonenumber."""

CODE_PLACEHOLDER = re.compile(r"\{\{\s*code\s*\}\}")
"""Where the code goes in the template of a message."""


def countries(text: str) -> frozenset[str]:
    """A comma separated list of countries (ISO 3166-1, two letters) or 001; raises ValueError."""
    words = {word.strip().upper() for word in text.split(",") if word.strip()}
    if unknown := words - phonenumbers.SUPPORTED_REGIONS - {GLOBAL_SERVICES}:
        raise ValueError(f"Not a country of two letters: {', '.join(sorted(unknown))}.")
    return frozenset(words)


def kinds(text: str) -> frozenset[str]:
    """A comma separated list of kinds of numbers; raises ValueError."""
    words = {word.strip().lower() for word in text.split(",") if word.strip()}
    if _NEVER in words:
        raise ValueError("Codes are never sent to premium-rate numbers.")
    if not words or (unknown := words - NUMBER_KINDS.keys()):
        known = ", ".join(sorted(NUMBER_KINDS.keys() - {_NEVER}))
        raise ValueError(f"{', '.join(sorted(unknown if words else ()))}: must be some of {known}.")
    return frozenset(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSettings(PublicServiceSettings):
    """The settings of resource-svc."""

    master_keys: KeyRing = setting(
        "BARONG_MASTER_KEYS",
        Parsed(KeyRing.parse),
        "Keys of secrets at rest, `id:base64 of 32 bytes`, comma separated. The first "
        "encrypts, all decrypt.",
    )
    ranks_file: str = setting(
        "BARONG_RANKS_FILE",
        fields.String(),
        "File with the ranks of roles: nobody changes a user whose role ranks as high "
        "as their own. If blank: `ranks.yaml` of the configuration folder.",
        "",
    )
    phone_verification: str = setting(
        "BARONG_PHONE_VERIFICATION",
        fields.String(validate=validate.OneOf(["mock", "twilio_sms", "twilio_verify"])),
        "How phones are verified. `mock` accepts any code; production refuses it.",
        "mock",
    )
    phone_countries: frozenset[str] = setting(
        "BARONG_PHONE_COUNTRIES",
        Parsed(countries),
        "Countries to whose numbers codes are sent, two letters each (ISO 3166-1), "
        "comma separated. If empty: all, except satellite and other global services, "
        "which are `001`.",
        frozenset(),
        shown="empty",
    )
    phone_kinds: frozenset[str] = setting(
        "BARONG_PHONE_KINDS",
        Parsed(kinds),
        "Kinds of numbers to which codes are sent, comma separated: mobile, fixed_line, "
        "fixed_line_or_mobile, voip, personal_number, pager, uan, voicemail, shared_cost, "
        "toll_free, unknown. Never premium_rate.",
        frozenset({"mobile", "fixed_line", "fixed_line_or_mobile"}),
        shown="mobile, fixed_line, fixed_line_or_mobile",
    )
    phone_codes_per_hour: int = setting(
        "BARONG_PHONE_CODES_PER_HOUR",
        fields.Integer(validate=validate.Range(0, 10**6)),
        "How many codes are sent in an hour to all users together. 0: no limit.",
        1000,
    )
    twilio_url: str = setting(
        "BARONG_TWILIO_URL", url(), "Address of Twilio's messaging.", "https://api.twilio.com"
    )
    twilio_verify_url: str = setting(
        "BARONG_TWILIO_VERIFY_URL",
        url(),
        "Address of Twilio Verify.",
        "https://verify.twilio.com",
    )
    twilio_account_sid: str = setting(
        "BARONG_TWILIO_ACCOUNT_SID", fields.String(), "Our account at Twilio.", ""
    )
    twilio_auth_token: str = setting(
        "BARONG_TWILIO_AUTH_TOKEN", fields.String(), "Password of this account.", ""
    )
    twilio_phone_number: str = setting(
        "BARONG_TWILIO_PHONE_NUMBER", fields.String(), "Sender of messages: a number or a name.", ""
    )
    twilio_service_sid: str = setting(
        "BARONG_TWILIO_SERVICE_SID", fields.String(), "Our service at Twilio Verify.", ""
    )
    sms_content_template: str = setting(
        "BARONG_SMS_CONTENT_TEMPLATE",
        fields.String(),
        "Text of a message. {{code}} is replaced by the code.",
        "Your verification code for Barong: {{code}}",
    )
    vault_shaped_secrets: bool = setting(
        "BARONG_VAULT_SHAPED_SECRETS",
        fields.Boolean(),
        "Whether the secret of a new API key is shown in the form that older front "
        'ends expect, `{"data": {"value": …}}`.',
        False,
    )
    expiry_required: bool = setting(
        "BARONG_REQUIRED_DOCS_EXPIRE",
        fields.Boolean(),
        "Whether documents need an expiry date in the future. document_types.yaml "
        "names types that do not.",
        True,
    )
    document_limit: int = setting(
        "BARONG_DOC_NUM_LIMIT",
        positive(100),
        "How many documents a user may have, at most 100: events carry all of them "
        "with their metadata.",
        10,
    )
    upload_megabytes: int = setting(
        "BARONG_UPLOAD_SIZE_MAX_RANGE",
        positive(1024),
        "Largest uploaded file, in MB (2^20 bytes).",
        10,
    )
    upload_extensions: tuple[str, ...] = setting(
        "BARONG_UPLOAD_EXTENSION_WHITELIST",
        Parsed(extensions),
        "Which files may be uploaded, by their extensions, comma separated.",
        ("jpg", "jpeg", "png", "pdf"),
    )
    upload_link_minutes: int = setting(
        "BARONG_UPLOAD_AUTH_URL_EXPIRATION",
        positive(10_080),
        "How long the link to an uploaded file works, in minutes.",
        1,
    )
    upload_concurrency: int = setting(
        "BARONG_UPLOAD_CONCURRENCY",
        positive(1000),
        "How many complete files a process hands to the storage at the same time, "
        "with some 2 MB of memory each. Others wait a little, then get 503. Of one "
        "user it receives two uploads at once; more of theirs wait as long, then get "
        "429.",
        16,
    )
    upload_spool_folder: str = setting(
        "BARONG_UPLOAD_SPOOL_FOLDER",
        fields.String(),
        "Folder in which files wait until they are complete and checked: on disk, not "
        "in memory, with room for BARONG_UPLOAD_SPOOL_SIZE. If blank: the system's "
        "folder for temporary files.",
        "",
    )
    upload_spool_megabytes: int = setting(
        "BARONG_UPLOAD_SPOOL_SIZE",
        positive(1_048_576),
        "How much all waiting files may take, in MB (2^20 bytes). When it is full, "
        "the upload that began first ends with 503, so that slow senders keep no fast "
        "one out.",
        256,
    )
    max_body_bytes: int = setting(
        "BARONG_MAX_BODY_BYTES",
        positive(),
        "Largest body of an upload, in bytes, as at the gateway: three files of 10 MB and a form.",
        32 * 1024 * 1024,
    )
    storage_provider: str = setting(
        "BARONG_STORAGE_PROVIDER",
        fields.String(validate=validate.OneOf(["local", "aws", "google", "azure", "alicloud"])),
        "Where uploaded files are stored. alicloud is used through its S3 endpoint.",
        "local",
    )
    storage_folder: str = setting(
        "BARONG_STORAGE_FOLDER",
        fields.String(),
        "Folder of the provider `local`. All instances share it. In development: `.local/uploads`.",
        "",
    )
    storage_bucket: str = setting(
        "BARONG_STORAGE_BUCKET_NAME", fields.String(), "The bucket, or Azure's container.", ""
    )
    storage_access_key: str = setting(
        "BARONG_STORAGE_ACCESS_KEY",
        fields.String(),
        "Id of the access key (Google: of an HMAC key), or Azure's account. Without "
        "it, aws and google ask the machine for its identity.",
        "",
    )
    storage_secret_key: str = setting(
        "BARONG_STORAGE_SECRET_KEY",
        fields.String(),
        "Secret of the access key. For google without an access key: the JSON of a "
        "service account.",
        "",
    )
    storage_endpoint: str = setting(
        "BARONG_STORAGE_ENDPOINT",
        url(),
        "Server of the storage, if it is not the provider's usual one.",
        "",
    )
    storage_region: str = setting(
        "BARONG_STORAGE_REGION", fields.String(), "Region of the bucket.", ""
    )
    storage_path_style: bool = setting(
        "BARONG_STORAGE_PATHSTYLE",
        fields.Boolean(),
        "Whether the bucket's name is in the path instead of the host.",
        False,
    )
    storage_timeout: int = setting(
        "BARONG_STORAGE_TIMEOUT",
        positive(300),
        "Longest time for one call to the storage, in seconds. While a file is sent: "
        "the longest time until the storage takes more of it or answers. All files of "
        "an upload must be stored within twice this time. Keep that well below "
        "BARONG_UPSTREAM_TIMEOUT, or the gateway gives up first.",
        10,
    )

    @property
    def ranks_path(self) -> Path:
        """The file of ranks."""
        return Path(self.ranks_file or Path(self.config_dir) / "ranks.yaml")

    @property
    def upload_folder(self) -> str:
        """The folder of `local`."""
        return self.storage_folder or ".local/uploads"

    def conflicts(self) -> Iterable[str]:
        yield from super(ResourceSettings, self).conflicts()
        yield from self._phone_conflicts()
        yield from self._storage_conflicts()

    def _storage_conflicts(self) -> Iterable[str]:
        if self.upload_megabytes * 2**20 + MAX_BODY_BYTES > self.max_body_bytes:
            yield "BARONG_MAX_BODY_BYTES: a file of BARONG_UPLOAD_SIZE_MAX_RANGE does not fit."
        if self.upload_spool_megabytes < self.upload_megabytes:
            yield "BARONG_UPLOAD_SPOOL_SIZE: a file of BARONG_UPLOAD_SIZE_MAX_RANGE does not fit."
        if self.storage_provider == "local":
            if self.production and not self.storage_folder:
                yield "BARONG_STORAGE_FOLDER: production says where uploaded files lie."
            return
        needed = {"BARONG_STORAGE_BUCKET_NAME": self.storage_bucket}
        if self.storage_provider == "alicloud":
            needed["BARONG_STORAGE_ENDPOINT"] = self.storage_endpoint
        if self.storage_provider in ("alicloud", "azure"):
            needed["BARONG_STORAGE_ACCESS_KEY"] = self.storage_access_key
            needed["BARONG_STORAGE_SECRET_KEY"] = self.storage_secret_key
        for variable, value in needed.items():
            if not value:
                yield f"{variable}: {self.storage_provider} needs it."

    def _phone_conflicts(self) -> Iterable[str]:
        if self.production and self.phone_verification == "mock":
            yield "BARONG_PHONE_VERIFICATION: production verifies phones; mock accepts any code."
        if self.phone_verification == "mock":
            return
        needed = {
            "BARONG_TWILIO_ACCOUNT_SID": self.twilio_account_sid,
            "BARONG_TWILIO_AUTH_TOKEN": self.twilio_auth_token,
        }
        if self.phone_verification == "twilio_sms":
            needed["BARONG_TWILIO_PHONE_NUMBER"] = self.twilio_phone_number
            if not CODE_PLACEHOLDER.search(self.sms_content_template):
                yield "BARONG_SMS_CONTENT_TEMPLATE: has no {{code}}."
        else:
            needed["BARONG_TWILIO_SERVICE_SID"] = self.twilio_service_sid
        for variable, value in needed.items():
            if not value:
                yield f"{variable}: {self.phone_verification} needs it."
