"""The object storage that the settings name."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store
from yarl import URL

from resource_svc.documents.bucket import CONNECT_SECONDS, Bucket
from resource_svc.documents.spool import Spool
from resource_svc.documents.storage import MEGABYTE, Folder, ObjectStorage
from resource_svc.settings import ResourceSettings
from shared.settings import SettingsError

if TYPE_CHECKING:  # obstore has these for type checkers only
    from obstore.store import AzureConfig, ClientConfig, GCSConfig, RetryConfig, S3Config

_RETRIES = 2


def object_storage(settings: ResourceSettings) -> ObjectStorage:
    """Connects to nothing yet; raises `SettingsError` for settings that no storage can have."""
    try:
        return _storage(settings)
    except (BaseError, ValueError, OSError) as error:
        reason = next(iter(str(error).splitlines()), "")
        raise SettingsError([f"BARONG_STORAGE_PROVIDER: {reason}"]) from None


def _storage(settings: ResourceSettings) -> ObjectStorage:
    uploads, folder = settings.upload_concurrency, settings.upload_spool_folder
    if folder and not Path(folder).is_dir():
        raise SettingsError([f"BARONG_UPLOAD_SPOOL_FOLDER: {folder} is no folder."])
    spool = Spool(folder, settings.upload_spool_megabytes * MEGABYTE)
    if settings.storage_provider == "local":
        return Folder(Path(settings.upload_folder).resolve(), uploads, spool)
    return Bucket(_bucket(settings), uploads, spool, settings.storage_timeout)


def _bucket(settings: ResourceSettings) -> S3Store | GCSStore | AzureStore:
    match settings.storage_provider:
        case "azure":
            return _azure(settings)
        case "google" if not settings.storage_access_key:
            return _google(settings)
        case "google":
            return _s3(settings, settings.storage_endpoint or _GOOGLE_AS_S3)
        case _:
            return _s3(settings, settings.storage_endpoint)


_GOOGLE_AS_S3 = "https://storage.googleapis.com"
"""Where Google accepts access keys, which it calls HMAC keys."""


def _s3(settings: ResourceSettings, endpoint: str) -> S3Store:
    bucket, path_style = settings.storage_bucket, settings.storage_path_style
    config = _given(
        endpoint=_endpoint(endpoint, bucket, path_style) if endpoint else "",
        region=settings.storage_region,
        access_key_id=settings.storage_access_key,
        secret_access_key=settings.storage_secret_key,
    )
    return S3Store(
        bucket,
        config=cast("S3Config", config),
        virtual_hosted_style_request=not path_style,
        disable_bulk_delete=True,  # not every S3-compatible storage has it, and we need none
        client_options=_client(settings),
        retry_config=_retry(settings),
    )


def _endpoint(endpoint: str, bucket: str, path_style: bool) -> str:
    """The URL of the server; without path style, the bucket is part of its name."""
    url = URL(endpoint)
    if path_style or not url.host or url.host.startswith(f"{bucket}."):
        return endpoint.rstrip("/")
    return str(url.with_host(f"{bucket}.{url.host}")).rstrip("/")


def _google(settings: ResourceSettings) -> GCSStore:
    config = _given(
        service_account_key=settings.storage_secret_key, base_url=settings.storage_endpoint
    )
    return GCSStore(
        settings.storage_bucket,
        config=cast("GCSConfig", config),
        client_options=_client(settings),
        retry_config=_retry(settings),
    )


def _azure(settings: ResourceSettings) -> AzureStore:
    config = _given(
        account_name=settings.storage_access_key,
        account_key=settings.storage_secret_key,
        endpoint=settings.storage_endpoint,
    )
    return AzureStore(
        settings.storage_bucket,
        config=cast("AzureConfig", config),
        client_options=_client(settings),
        retry_config=_retry(settings),
    )


def _given(**settings: str) -> dict[str, str]:
    """The settings that are not empty; obstore has defaults for the others."""
    return {name: value for name, value in settings.items() if value}


def _client(settings: ResourceSettings) -> "ClientConfig":
    return {
        "allow_http": settings.storage_endpoint.startswith("http:"),
        "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
        "timeout": timedelta(seconds=settings.storage_timeout),
    }


def _retry(settings: ResourceSettings) -> "RetryConfig":
    return {
        "max_retries": _RETRIES,
        "retry_timeout": timedelta(seconds=settings.storage_timeout),
        "backoff": {"init_backoff": timedelta(milliseconds=100)},
    }
