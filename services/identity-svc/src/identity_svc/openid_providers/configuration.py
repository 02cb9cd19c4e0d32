"""The file of OpenID providers that log users in."""

import os
import re
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any

import yaml
from yarl import URL

from identity_svc.openid_providers.models import Provider
from shared.settings import SettingsError

MAX_PROVIDERS = 20

_LARGEST_FILE = 65_536
_LARGEST_SECRET = 4096
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,128}")  # RFC 6749, 3.3
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}", re.ASCII)
_REQUIRED = frozenset({"name", "label", "issuer", "client_id"})
_SECRETS = frozenset({"client_secret_env", "client_secret_file"})
_OPTIONAL = frozenset({"scopes", "redirect_uri", "sign_up", "link_by_email"})
_USUAL_SCOPES = ("openid", "email")


def read_providers(
    file: str, front_end: str, *, plain_http: bool, environ: Mapping[str, str] | None = None
) -> tuple[Provider, ...]:
    """The providers of the file; none without a file.

    Browsers come back from a provider to `<front_end>/account/log-in/provider/<name>`, unless it
    has a `redirect_uri`. Raises `SettingsError` with every fault.
    """
    if not file:
        return ()
    path = Path(file)
    try:
        with path.open("rb") as opened:
            content = opened.read(_LARGEST_FILE + 1)
        if len(content) > _LARGEST_FILE:
            raise SettingsError([f"{path}: more than {_LARGEST_FILE} bytes"])
        document = yaml.safe_load(content.decode())
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise SettingsError([f"{path}: {error}"]) from None
    reader = _Reader(front_end, plain_http, os.environ if environ is None else environ)
    providers = list(reader.read(document))
    if reader.faults:
        raise SettingsError([f"{path}: {fault}" for fault in reader.faults])
    return tuple(providers)


class _Reader:
    """Reads the document, and collects what is wrong with it."""

    def __init__(self, front_end: str, plain_http: bool, environ: Mapping[str, str]) -> None:
        self._front_end = front_end
        self._plain_http = plain_http
        self._environ = environ
        self.faults: list[str] = []

    def read(self, document: Any) -> Iterator[Provider]:
        """The providers that are sound."""
        entries = document.get("providers") if isinstance(document, dict) else None
        if not isinstance(entries, list) or not entries or set(document) != {"providers"}:
            self.faults.append("`providers`, a list, is wanted")
            return
        if len(entries) > MAX_PROVIDERS:
            self.faults.append(f"more than {MAX_PROVIDERS} providers")
            return
        names, issuers = set(), set()
        for number, entry in enumerate(entries, 1):
            known = len(self.faults)
            provider = self._provider(f"provider {number}", entry)
            if provider is None:
                continue
            if provider.name in names:
                self.faults.append(f"{provider.name} is there twice")
            if provider.issuer in issuers:
                self.faults.append(f"the issuer {provider.issuer} is there twice")
            names.add(provider.name)
            issuers.add(provider.issuer)
            if len(self.faults) == known:
                yield provider

    def _provider(self, place: str, entry: Any) -> Provider | None:
        if not isinstance(entry, dict) or not all(isinstance(key, str) for key in entry):
            self.faults.append(f"{place} is no mapping of names to values")
            return None
        name = entry.get("name")
        if isinstance(name, str) and _NAME.fullmatch(name):
            place = name
        else:
            self.faults.append(f"{place}: `name` has to be of a-z, 0-9, - and _, 32 at most")
            name = ""
        faults = list(self._faults(entry))
        secret = ""
        if _SECRETS & set(entry):
            try:
                secret = self._secret(entry)
            except ValueError as error:
                faults.append(str(error))
        self.faults += [f"{place}: {fault}" for fault in faults]
        if faults or not name:
            return None
        return Provider(
            name=name,
            label=entry["label"].strip(),
            issuer=entry["issuer"],
            client_id=entry["client_id"],
            client_secret=secret,
            scopes=tuple(entry.get("scopes", _USUAL_SCOPES)),
            redirect_uri=entry.get(
                "redirect_uri", f"{self._front_end}/account/log-in/provider/{name}"
            ),
            sign_up=entry.get("sign_up", True),
            link_by_email=entry.get("link_by_email", True),
        )

    def _faults(self, entry: Mapping[str, Any]) -> Iterator[str]:
        yield from _faults_of_names(set(entry))
        for name, longest in (("label", 64), ("client_id", 255)):
            if not _is_line(entry.get(name, "-"), longest):
                yield f"`{name}` has to be a text of one line, {longest} characters at most"
        if "issuer" in entry and not self._is_issuer(entry["issuer"]):
            http = "http or " if self._plain_http else ""
            yield f"`issuer` has to be an {http}https address, without a query"
        if "redirect_uri" in entry and not _is_url(entry["redirect_uri"], ("https", "http")):
            yield "`redirect_uri` has to be an address of the front end"
        if not _are_scopes(entry.get("scopes", ["openid"])):
            yield "`scopes` has to be a list of scopes with `openid`, 20 at most"
        for name in ("sign_up", "link_by_email"):
            if not isinstance(entry.get(name, True), bool):
                yield f"`{name}` has to be true or false"

    def _is_issuer(self, value: Any) -> bool:
        schemes = ("https", "http") if self._plain_http else ("https",)
        return _is_url(value, schemes) and "?" not in value

    def _secret(self, entry: Mapping[str, Any]) -> str:
        """Raises `ValueError`, which never repeats the secret."""
        if "client_secret_env" in entry:
            variable = entry["client_secret_env"]
            if not isinstance(variable, str) or not _VARIABLE.fullmatch(variable):
                raise ValueError("`client_secret_env` has to name an environment variable")
            secret = self._environ.get(variable, "").strip()
            if not secret:
                raise ValueError(f"the environment variable {variable} is not set")
        else:
            name = entry["client_secret_file"]
            if not isinstance(name, str) or not name:
                raise ValueError("`client_secret_file` has to name a file")
            try:
                with Path(name).open("rb") as opened:
                    content = opened.read(_LARGEST_SECRET + 1)
                secret = content.decode().strip()
            except OSError as error:
                raise ValueError(f"{name}: {error.strerror}") from None
            except (UnicodeDecodeError, ValueError):
                raise ValueError(f"{name}: not text in UTF-8") from None
            if not secret:
                raise ValueError(f"{name}: blank")
        if len(secret) > _LARGEST_SECRET or not secret.isprintable():
            raise ValueError("the client's secret is no secret: too long, or of several lines")
        return secret


def _faults_of_names(names: Set[str]) -> Iterator[str]:
    for missing in sorted(_REQUIRED - names - {"name"}):
        yield f"`{missing}` is missing"
    if unknown := sorted(names - _REQUIRED - _SECRETS - _OPTIONAL):
        yield f"unknown: {', '.join(unknown)}"
    if len(_SECRETS & names) != 1:
        yield "either `client_secret_env` or `client_secret_file` is wanted"


def _is_line(value: Any, longest: int) -> bool:
    return (
        isinstance(value, str)
        and bool(value.strip())
        and len(value) <= longest
        and value.isprintable()
    )


def _are_scopes(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) <= 20
        and all(isinstance(scope, str) and _SCOPE.fullmatch(scope) for scope in value)
        and "openid" in value
    )


def _is_url(value: Any, schemes: tuple[str, ...]) -> bool:
    if not isinstance(value, str) or not 0 < len(value) <= 2048 or not value.isascii():
        return False
    if not value.isprintable() or " " in value or "#" in value or "\\" in value:
        return False
    try:
        url = URL(value)
        return (
            url.scheme in schemes
            and bool(url.host)
            and url.user is None
            and url.password is None
            and url.port is not None
        )
    except ValueError:
        return False
