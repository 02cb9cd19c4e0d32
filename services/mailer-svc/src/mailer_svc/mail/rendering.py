"""Templates by language, and the content that they give a mail."""

import re
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import (
    FileSystemLoader,
    StrictUndefined,
    TemplateNotFound,
    TemplateSyntaxError,
    select_autoescape,
)
from jinja2.sandbox import ImmutableSandboxedEnvironment

from mailer_svc.mail.models import Content, Mail
from shared.contracts.events import ReceivedEvent
from shared.contracts.users import language_in
from shared.settings import SettingsError

PACKAGED = Path(__file__).parent / "templates"

PARTS = ("subject", "txt", "html")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")  # RFC 5646, in lower case
_BREAKS = re.compile(r"[\s\x00-\x1f\x7f-\x9f]+")
_LONGEST_SUBJECT = 200
_LONGEST_TEXT = 1000
_DEEPEST, _LONGEST_LIST = 5, 50
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


class Templates:
    """All mails in all languages that have a folder; a file in an earlier folder wins."""

    def __init__(
        self, folders: tuple[Path, ...], mails: Sequence[Mail], default_language: str
    ) -> None:
        self._folders = folders
        self._mails = mails
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

    def languages(self, mail: Mail) -> list[str]:
        """The languages in which there is this mail."""
        return sorted(self._languages & set(mail.languages) if mail.languages else self._languages)

    def language(self, mail: Mail, wanted: str) -> str:
        """The language of this mail that is nearest to a tag such as `de` or `de-AT`."""
        tag = wanted.lower()
        available = self.languages(mail)
        near = (tag, tag.partition("-")[0])
        return next((name for name in near if name in available), self._default_language)

    def render(self, mail: Mail, language: str, values: Mapping[str, Any]) -> Content:
        """The content of a mail in an available language."""
        subject, text, html = (self._part(mail, language, part, values) for part in PARTS)
        return Content(subject, text, html)

    def _part(self, mail: Mail, language: str, part: str, values: Mapping[str, Any]) -> str:
        template = self._environment.get_template(f"{language}/{mail.template}.{part}.j2")
        rendered = template.render(values, language=language)
        if part != "subject":
            return rendered
        # A line break in a subject would begin another header.
        return _BREAKS.sub(" ", rendered).strip()[:_LONGEST_SUBJECT]

    def faults(self, values: Callable[[Mail, str], Iterator[Mapping[str, Any]]]) -> Iterator[str]:
        """The faults of the templates, a line each; afterwards every template is compiled.

        `values` gives what sample events fill the templates of a mail in a language with.
        """
        if self._default_language not in self._languages:
            yield f"BARONG_DEFAULT_LANGUAGE: There are no mails in {self._default_language!r}."
        for language in sorted(self._languages):
            if not _LANGUAGE.fullmatch(language):
                yield f"{language}: Not a language in lower case, such as de or pt-br."
                continue
            for mail in self._mails:
                if language in self.languages(mail):
                    yield from self._faults_in(mail, language, list(values(mail, language)))
        for mail in self._mails:
            yield from self._faults_of_languages(mail)

    def _faults_in(
        self, mail: Mail, language: str, samples: Sequence[Mapping[str, Any]]
    ) -> Iterator[str]:
        for part in PARTS:
            faults = (self._fault(mail, language, part, sample) for sample in samples)
            if fault := next(filter(None, faults), None):
                yield fault

    def _faults_of_languages(self, mail: Mail) -> Iterator[str]:
        for missing in sorted(set(mail.languages) - self._languages):
            yield f"mailer.yaml: {mail.name}: There is no folder of templates {missing!r}."
        if mail.languages and self._default_language not in mail.languages:
            yield f"mailer.yaml: {mail.name}: It lacks the language {self._default_language!r}."

    def _fault(self, mail: Mail, language: str, part: str, values: Mapping[str, Any]) -> str | None:
        name = f"{language}/{mail.template}.{part}.j2"
        try:
            rendered = self._part(mail, language, part, values)
        except TemplateSyntaxError as error:
            return f"{self._place(error.name or name)}, line {error.lineno}: {error.message}"
        except Exception as error:  # noqa: BLE001 - whatever it is, the mail cannot be made
            if isinstance(error, TemplateNotFound) and error.name == name:
                return f"{name}: There is no such template, which the mail {mail.name} needs."
            words = " ".join(str(error).split()) or type(error).__name__
            return f"{self._raised_at(error, name)}: {words}"
        return None if rendered.strip() else f"{self._place(name)}: It is empty."

    def _place(self, name: str) -> str:
        """The file of a template, where it is one of the operator's."""
        file = next((each / name for each in self._folders if (each / name).is_file()), None)
        return name if file is None or file.is_relative_to(PACKAGED) else str(file)

    def _raised_at(self, error: Exception, name: str) -> str:
        """The template and line at which rendering failed, from Jinja's traceback."""
        frames = traceback.extract_tb(error.__traceback__)
        here = [frame for frame in frames if frame.filename.endswith(".j2")]
        if not here:
            return self._place(name)
        file = Path(here[-1].filename)
        shown = file.relative_to(PACKAGED) if file.is_relative_to(PACKAGED) else file
        return f"{shown}, line {here[-1].lineno}"


def load_templates(
    override: str,
    mails: Sequence[Mail],
    default_language: str,
    values: Callable[[Mail, str], Iterator[Mapping[str, Any]]],
) -> Templates:
    """The packaged templates, with those of the folder `override` (blank: none) in front.

    `values` are those of sample events. Raises `SettingsError` with every fault.
    """
    if override and not Path(override).is_dir():
        raise SettingsError([f"BARONG_MAIL_TEMPLATES_DIR: There is no folder {override}."])
    folders = (Path(override), PACKAGED) if override else (PACKAGED,)
    templates = Templates(folders, mails, default_language)
    if faults := tuple(templates.faults(values)):
        raise SettingsError(faults)
    return templates


def values_of(
    mail: Mail, event: ReceivedEvent, language: str, *, app_name: str, domain: str
) -> dict[str, Any]:
    """What a template may show; `domain` is for events that name none.

    Texts are without line breaks and other control characters, and have at most 1000 characters.
    """
    record = event.record
    user = recipient_of(event)
    front_end = str(record.get("domain") or domain)
    token = str(record["token"]) if mail.parameter else ""
    return {
        "link": mail.link(front_end, token, language),
        "token": token,
        "domain": front_end,
        "app_name": app_name,
        "email": _clean(str(user["email"])),
        "uid": user["uid"],
        "user_ip": _clean(str(record.get("user_ip", ""))),
        "device": device_of(str(record.get("user_agent", ""))),
        "time": f"{event.issued_at:%Y-%m-%d %H:%M} UTC",
        "event": event.name,
        "record": _clean({key: each for key, each in record.items() if key != "token"}),
        "changes": _clean(event.changes),
    }


def recipient_of(event: ReceivedEvent) -> Mapping[str, Any]:
    """The user whom an event is about."""
    user: Mapping[str, Any] = event.record.get("user", event.record)
    return user


def address_of(event: ReceivedEvent) -> str:
    """The address that a mail about the event goes to: the user's, unless the event names one."""
    return str(event.record.get("recipient") or recipient_of(event)["email"])


def device_of(user_agent: str) -> str:
    """The browser and the system that a User-Agent names, such as `Firefox, Linux`, or blank.

    The text itself is not shown: somebody unknown chose it, and mail programs make links of it.
    """
    found = (
        next((shown for mark, shown in known if mark in user_agent), "")
        for known in (_BROWSERS, _SYSTEMS)
    )
    return ", ".join(filter(None, found))


def chosen_language(event: ReceivedEvent) -> str:
    """The language of an event's user; blank where they chose none.

    It is in the snapshot: as `language`, or within the user's `data`, which may be anything.
    """
    language = event.snapshot.get("language")
    if language is None:
        language = language_in(event.snapshot.get("data"))
    return language if isinstance(language, str) else ""


def _clean(value: Any, depth: int = 0) -> Any:
    """The value, whose texts cannot begin a line, and which is neither deep nor long."""
    if isinstance(value, str):
        return _BREAKS.sub(" ", value[:_LONGEST_TEXT])
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {key: _clean(each, depth + 1) for key, each in value.items()}
    if isinstance(value, list) and depth < _DEEPEST:
        return [_clean(each, depth + 1) for each in value[:_LONGEST_LIST]]
    return value if isinstance(value, int | float) or value is None else ""
