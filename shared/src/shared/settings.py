"""Settings from environment variables, checked together so that every fault is reported at once."""

import dataclasses
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from marshmallow import ValidationError, fields, validate
from yarl import URL

from shared.crypto.key_ring import KeyRing
from shared.database.dsn import Dsn
from shared.database.pool import Database
from shared.declared import Faults, declared, load
from shared.values.addresses import Network, networks

T = TypeVar("T")

_LARGEST_FILE = 65_536


class SettingsError(Exception):
    """A service cannot run in this environment; `faults` has a line for each reason."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


class Parsed(fields.Field[Any]):
    """A field made by a function that raises ValueError for text it cannot read."""

    def __init__(self, parse: Callable[[str], Any], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._parse = parse

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        try:
            return self._parse(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None


def setting(
    variable: str,
    field: "fields.Field[Any]",
    doc: str,
    default: Any = dataclasses.MISSING,
    **metadata: str,
) -> Any:
    """One setting: its environment variable, its type, what it means and its default.

    `shown` (in `metadata`) is what the reference says of a default that depends on the machine.
    """
    field.data_key = variable
    field.required = default is dataclasses.MISSING
    return declared(field, default, variable=variable, doc=doc, **metadata)


def positive(maximum: int = 10**9) -> fields.Integer:
    """A whole number from 1 to `maximum`."""
    return fields.Integer(validate=validate.Range(1, maximum))


def port() -> fields.Integer:
    """A TCP port; 0 lets the system choose a free one."""
    return fields.Integer(validate=validate.Range(0, 65535))


def url() -> fields.Url:
    """The address of an HTTP server, without a path of its own."""
    return fields.Url(schemes={"http", "https"}, require_tld=False)


def postgres_dsn() -> Parsed:
    """A PostgreSQL connection string in URL form."""
    return Parsed(_postgres_dsn)


def _postgres_dsn(text: str) -> str:
    Dsn.parse(text)
    return text


_PLACE = (
    r"(?:https?://)?(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~/-]*)?\Z"
)


def front_end() -> Any:
    """The setting of the front end's address, which several services have."""
    return setting(
        "BARONG_DOMAIN",
        fields.String(validate=validate.Regexp(_PLACE, error="Not a host or an address of one.")),
        "Address of the front end, to which links in mails lead: a host, with a port "
        "if needed (`example.com:8443`, by https), or a URL "
        "(`http://localhost:3000`).",
        "",
        shown="`openware.com`; in development the gateway, `http://localhost:8080`",
    )


def public_url() -> Any:
    """The setting of the gateway's address, which several services have."""
    return setting(
        "BARONG_PUBLIC_URL",
        url(),
        "The gateway's address, as clients and subscribers reach it. It is the issuer of the OAuth "
        "provider, and events name their JSON Schemas by it.",
        "http://localhost:8080",
    )


def front_end_or_default(given: str, *, production: bool) -> str:
    """The front end's address, as it was given or by default."""
    return given or ("openware.com" if production else "http://localhost:8080")


def _with_files(declaration: Any, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that are given, those included whose values lie in files.

    `<variable>_FILE` names the file; a line break at its end does not count. A blank variable
    counts as absent. Raises `SettingsError` with every fault.
    """
    given = {key: value for key, value in environ.items() if value.strip()}
    declared_variables = [field.metadata["variable"] for field in _settings_of(declaration)]
    faults = []
    for variable in declared_variables:
        file = f"{variable}_FILE"
        if file not in given or file in declared_variables:
            continue
        if variable in given:
            faults.append(f"{variable}: Given together with {file}.")
            continue
        try:
            given[variable] = _content(Path(given[file]))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            faults.append(f"{file}: {given[file]}: {reason}.")
    if faults:
        raise SettingsError(faults)
    return given


def _settings_of(declaration: Any) -> "Iterable[dataclasses.Field[Any]]":
    return (field for field in dataclasses.fields(declaration) if "variable" in field.metadata)


def _content(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(_LARGEST_FILE + 1)
    if len(content) > _LARGEST_FILE:
        raise ValueError(f"More than {_LARGEST_FILE} bytes")
    try:
        text = content.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ValueError("Not text in UTF-8") from None
    if not text.strip():
        raise ValueError("Blank")
    return text


def load_settings(declaration: type[T], environ: Mapping[str, str] | None = None) -> T:
    """The settings of a service; a blank variable counts as absent.

    The value of each may lie in a file, which `<variable>_FILE` names. Raises `SettingsError` with
    every fault, those between settings included.
    """
    given = _with_files(declaration, os.environ if environ is None else environ)
    try:
        settings = load(declaration, given)
    except Faults as error:
        raise SettingsError(
            f"{variable}: {' '.join(messages)}" for variable, messages in error.by_key.items()
        ) from None
    if isinstance(settings, ProcessSettings) and (faults := tuple(settings.conflicts())):
        raise SettingsError(faults)
    return settings


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSettings:
    """Settings of every service, also of one that knows no other service and no broker."""

    environment: str = setting(
        "BARONG_ENV",
        fields.String(validate=validate.OneOf(["development", "production"])),
        "`production` refuses settings that are only good for development.",
        "development",
    )
    host: str = setting(
        "BARONG_HOST", fields.String(), "Address to listen on; `::` for IPv6 and IPv4.", "127.0.0.1"
    )
    internal_port: int = setting(
        "BARONG_INTERNAL_PORT",
        port(),
        "Port of the internal API, health checks and metrics. The gateway never exposes it.",
        9080,
    )
    max_url_bytes: int = setting(
        "BARONG_MAX_URL_BYTES",
        positive(65_536),
        "Longest path and query of a request, in bytes. At the gateway, the path has "
        "at most 2048 of these.",
        8192,
    )
    max_header_bytes: int = setting(
        "BARONG_MAX_HEADER_BYTES",
        positive(1_048_576),
        "All headers of a request, in bytes. Services accept 8 KB more, for what the "
        "gateway adds: set it to the same value everywhere.",
        32_768,
    )
    max_headers: int = setting(
        "BARONG_MAX_HEADERS", positive(10_000), "How many header lines a request may have.", 100
    )
    log_probes: bool = setting(
        "BARONG_LOG_PROBES",
        fields.Boolean(),
        "Whether the access log has lines for health checks and for reading metrics.",
        True,
    )
    shutdown_seconds: int = setting(
        "BARONG_SHUTDOWN_SECONDS",
        positive(300),
        "Longest time for calls under way after SIGTERM, in seconds.",
        20,
    )

    otlp_endpoint: str = setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        url(),
        "Address of an OpenTelemetry collector that takes OTLP over HTTP, as in "
        "http://collector:4318. Without it no traces are recorded (docs/operators/traces.md).",
        "",
    )
    otlp_traces_endpoint: str = setting(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        url(),
        "The whole URL to which traces are sent, if it is not `/v1/traces` at the collector.",
        "",
    )
    traces_exporter: str = setting(
        "OTEL_TRACES_EXPORTER",
        fields.String(validate=validate.OneOf(["otlp", "none"])),
        "`none` records no traces, whatever the endpoint.",
        "otlp",
    )
    otel_disabled: bool = setting(
        "OTEL_SDK_DISABLED", fields.Boolean(), "`true` records no traces either.", False
    )

    @property
    def traces_endpoint(self) -> str:
        """The URL to which traces are sent; blank where none are recorded."""
        if self.otel_disabled or self.traces_exporter == "none":
            return ""
        if self.otlp_traces_endpoint or not self.otlp_endpoint:
            return self.otlp_traces_endpoint
        return f"{self.otlp_endpoint.rstrip('/')}/v1/traces"

    @property
    def production(self) -> bool:
        return self.environment == "production"

    def conflicts(self) -> Iterable[str]:
        """Faults between settings, a sentence each; services add theirs."""
        return ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings(ProcessSettings):
    """Settings of every service that has an internal API or calls those of others."""

    amqp_url: str = setting(
        "AMQP_URL",
        fields.Url(schemes={"amqp", "amqps"}, require_tld=False),
        "Address of RabbitMQ. It wins over the BARONG_EVENT_API_RABBITMQ_ variables.",
        "",
    )
    rabbitmq_host: str = setting(
        "BARONG_EVENT_API_RABBITMQ_HOST", fields.String(), "RabbitMQ's host.", "localhost"
    )
    rabbitmq_port: int = setting("BARONG_EVENT_API_RABBITMQ_PORT", port(), "RabbitMQ's port.", 5672)
    rabbitmq_username: str = setting(
        "BARONG_EVENT_API_RABBITMQ_USERNAME", fields.String(), "RabbitMQ's user.", "guest"
    )
    rabbitmq_password: str = setting(
        "BARONG_EVENT_API_RABBITMQ_PASSWORD", fields.String(), "Password of this user.", "guest"
    )
    service_keys: KeyRing = setting(
        "BARONG_SERVICE_KEYS",
        Parsed(KeyRing.parse),
        "Keys of the tokens between services, `id:base64 of 32 bytes`, comma "
        "separated. The first signs, all verify.",
    )
    identity_internal_url: str = setting(
        "BARONG_IDENTITY_INTERNAL_URL",
        url(),
        "identity-svc's internal API.",
        "http://identity-svc:9080",
    )
    resource_internal_url: str = setting(
        "BARONG_RESOURCE_INTERNAL_URL",
        url(),
        "resource-svc's internal API.",
        "http://resource-svc:9080",
    )
    admin_internal_url: str = setting(
        "BARONG_ADMIN_INTERNAL_URL", url(), "admin-svc's internal API.", "http://admin-svc:9080"
    )
    oauth_internal_url: str = setting(
        "BARONG_OAUTH_INTERNAL_URL", url(), "oauth-svc's internal API.", "http://oauth-svc:9080"
    )
    jwt_issuer: str = setting(
        "BARONG_JWT_ISSUER", fields.String(), "`iss` of every token.", "barong"
    )

    @property
    def broker_url(self) -> str:
        """RabbitMQ as one URL, whichever way it was set."""
        if self.amqp_url:
            return self.amqp_url
        return str(
            URL.build(
                scheme="amqp",
                user=self.rabbitmq_username,
                password=self.rabbitmq_password,
                host=self.rabbitmq_host,
                port=self.rabbitmq_port,
                path="/",
            )
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings(ServiceSettings):
    """Further settings of a service with a schema of its own."""

    database_url: str = setting(
        "DATABASE_URL", postgres_dsn(), "Address of PostgreSQL, with this service's own role."
    )
    database_direct_url: str = setting(
        "DATABASE_DIRECT_URL",
        postgres_dsn(),
        "Address of PostgreSQL itself, if DATABASE_URL leads to a pooler in "
        "transaction mode: for migrations, LISTEN and locks of a session "
        "(docs/operators/postgresql.md).",
        "",
    )
    config_dir: str = setting(
        "BARONG_CONFIG_DIR", fields.String(), "Folder of the configuration files.", "deploy/config"
    )

    @property
    def direct_database_url(self) -> str:
        """PostgreSQL itself, without the pooler before it."""
        return self.database_direct_url or self.database_url

    def database(self, schema: str) -> Database:
        """The schema, not yet connected to."""
        return Database(self.database_url, schema, direct_dsn=self.database_direct_url)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PublicServiceSettings(DatabaseSettings):
    """Further settings of a service that answers callers behind the gateway."""

    port: int = setting("BARONG_PORT", port(), "Port of the public API.", 8080)
    trusted_proxies: tuple[Network, ...] = setting(
        "BARONG_TRUSTED_PROXIES",
        Parsed(networks),
        "Networks (CIDR, comma separated) of proxies whose X-Forwarded-For entries are believed.",
        (),
    )
    rabbitmq_management_url: str = setting(
        "BARONG_RABBITMQ_MANAGEMENT_URL",
        fields.Url(schemes={"http", "https"}, require_tld=False),
        "Address of RabbitMQ's management API, with a user that has the tag `monitoring`, as in "
        "http://user:password@rabbitmq:15672. It tells the metrics which queue refuses events.",
        "",
    )
    public_url: str = public_url()
    events_keep_days: int = setting(
        "BARONG_EVENTS_KEEP_DAYS",
        positive(3650),
        "How long published events are kept for replays, in days. They are dropped by "
        "whole months, so that they stay up to 31 days longer.",
        90,
    )
    events_replay_rate: int = setting(
        "BARONG_EVENTS_REPLAY_RATE",
        positive(1000),
        "How many events a second each replay publishes at most.",
        200,
    )
