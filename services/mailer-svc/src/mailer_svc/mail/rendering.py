"""Templates by language, and the content that they give a mail."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, TemplateSyntaxError, select_autoescape
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mailer_svc.mail.models import KINDS, Content, Kind
from shared.settings import SettingsError

PACKAGED = Path(__file__).parent / "templates"

_PARTS = ("subject", "txt", "html")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")  # RFC 5646, in lower case
_BREAKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_SAMPLE = {
    "link": "https://www.example.com/?token=token",
    "token": "token",
    "domain": "www.example.com",
    "app_name": "Barong",
    "email": "user@example.com",
    "uid": "ID0123456789",
    "user_ip": "192.0.2.1",
}


class Templates:
    """All kinds of mails in all languages that have a folder; a file in an earlier folder wins."""

    def __init__(self, folders: tuple[Path, ...], default_language: str) -> None:
        self._default_language = default_language
        self._environment = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folders),
            autoescape=select_autoescape(("html.j2",), default=False),
            undefined=StrictUndefined,
            auto_reload=False,
            cache_size=-1,  # without a limit: what was checked at the start is what is sent
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._languages = {
            entry.name
            for folder in folders
            for entry in folder.iterdir()
            if entry.is_dir() and not entry.name.startswith((".", "_"))
        }

    def language(self, wanted: str) -> str:
        """The available language that is nearest to a tag such as `de` or `de-AT`."""
        tag = wanted.lower()
        near = (tag, tag.partition("-")[0])
        return next((name for name in near if name in self._languages), self._default_language)

    def render(self, kind: Kind, language: str, values: Mapping[str, str]) -> Content:
        """The content of a mail in an available language."""
        subject, text, html = (self._part(kind, language, part, values) for part in _PARTS)
        return Content(subject, text, html)

    def _part(self, kind: Kind, language: str, part: str, values: Mapping[str, str]) -> str:
        template = self._environment.get_template(f"{language}/{kind.name}.{part}.j2")
        rendered = template.render(values, language=language)
        # A line break in a subject would begin another header.
        return _BREAKS.sub(" ", rendered).strip() if part == "subject" else rendered

    def faults(self) -> Iterator[str]:
        """The faults of the templates, a line each; afterwards every template is compiled."""
        if self._default_language not in self._languages:
            yield f"BARONG_DEFAULT_LANGUAGE: There are no mails in {self._default_language!r}."
        for language in sorted(self._languages):
            if not _LANGUAGE.fullmatch(language):
                yield f"{language}: Not a language in lower case, such as de or pt-br."
                continue
            for kind in KINDS:
                for part in _PARTS:
                    if fault := self._fault(kind, language, part):
                        yield f"{language}/{kind.name}.{part}.j2: {fault}"

    def _fault(self, kind: Kind, language: str, part: str) -> str | None:
        try:
            rendered = self._part(kind, language, part, _SAMPLE)
        except TemplateSyntaxError as error:
            return f"{error.name}, line {error.lineno}: {error.message}"
        except Exception as error:  # noqa: BLE001 - whatever it is, the mail cannot be made
            return " ".join(str(error).split()) or type(error).__name__
        return None if rendered.strip() else "It is empty."


def load_templates(override: str, default_language: str) -> Templates:
    """The packaged templates, with those of the folder `override` (blank: none) in front.

    Raises `SettingsError` with every fault.
    """
    if override and not Path(override).is_dir():
        raise SettingsError([f"BARONG_MAIL_TEMPLATES_DIR: There is no folder {override}."])
    folders = (Path(override), PACKAGED) if override else (PACKAGED,)
    templates = Templates(folders, default_language)
    if faults := tuple(templates.faults()):
        raise SettingsError(faults)
    return templates


def chosen_language(data: Any) -> str:
    """The `language` in a user's `data`, which may be anything; blank where there is none."""
    try:
        language = json.loads(data)["language"]
    except (TypeError, ValueError, LookupError, RecursionError):
        return ""
    return language if isinstance(language, str) else ""
