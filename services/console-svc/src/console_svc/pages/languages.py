"""The languages of the pages: catalogues of texts by Babel, and the choice of one for a visitor."""

import gettext
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from aiohttp import web
from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_skeleton
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.numbers import format_decimal

from shared.settings import SettingsError

PACKAGED = Path(__file__).parents[1] / "languages"
SOURCE = "en"
"""The language in which the texts stand in templates and code."""
COOKIE = "barong_language"
_MAX_HEADER = 256
_RANGE = re.compile(r"\s*([A-Za-z]{1,8})(?:-[A-Za-z0-9-]{1,35})?\s*(?:;\s*q=([0-9.]{1,5}))?\s*")


@dataclass(frozen=True, slots=True)
class Language:
    """One language: its texts, and how it writes dates and numbers."""

    code: str
    locale: Locale
    translations: gettext.NullTranslations

    @property
    def own_name(self) -> str:
        """Its name in itself: Deutsch."""
        return str(self.locale.get_display_name(self.locale) or self.code).title()

    def text(self, message: str) -> str:
        """A text of ours in this language."""
        return self.translations.gettext(message) if message else ""

    def moment(self, iso: str | None) -> str:
        """A time of the API, in UTC."""
        read = _read(iso)
        return f"{format_datetime(read, 'medium', locale=self.locale)} UTC" if read else ""

    def day(self, iso: str | None) -> str:
        """A date of the API."""
        read = _read(iso)
        return format_date(read, "medium", locale=self.locale) if read else ""

    def day_of_month(self, iso: str) -> str:
        """The number of the day of a date of the API, as a short label of it."""
        return str(format_skeleton("d", _read(iso), locale=self.locale))

    def hour(self, iso: str) -> str:
        """The hour of a time of the API, in UTC: 14:00."""
        return str(format_skeleton("Hm", _read(iso), locale=self.locale))

    def number(self, value: int) -> str:
        """A number with its thousands apart."""
        return format_decimal(value, locale=self.locale)


def _read(iso: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(iso) if iso else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class Languages:
    """All languages by their codes, and the one of visitors who want none of them."""

    by_code: Mapping[str, Language]
    default: str

    @classmethod
    def read(cls, folder: str, default: str) -> "Languages":
        """English, the packaged languages, and those of the operator's folder.

        Raises `SettingsError` with the faults of all files.
        """
        files = {file.stem: file for file in PACKAGED.glob("*.po")}
        if folder:
            if not Path(folder).is_dir():
                raise SettingsError([f"BARONG_CONSOLE_LANGUAGES_DIR: {folder}: Not a folder."])
            files |= {file.stem: file for file in Path(folder).glob("*.po")}
        found = {SOURCE: Language(SOURCE, Locale(SOURCE), gettext.NullTranslations())}
        faults = []
        for code, file in sorted(files.items()):
            try:
                found[code] = Language(code, Locale.parse(code), _translations(file))
            except (OSError, ValueError, UnknownLocaleError, PoFileError) as error:
                faults.append(f"{file}: {error}")
        if faults:
            raise SettingsError(faults)
        return cls(found, default if default in found else SOURCE)

    def choose(self, request: web.Request, tags: Sequence[str] = ()) -> Language:
        """The language that the address, the cookie, `tags` or the browser ask for, in this order.

        `tags` are those of RFC 5646.
        """
        for code in (request.query.get("lang", ""), request.cookies.get(COOKIE, "")):
            if code in self.by_code:
                return self.by_code[code]
        wanted = [tag.partition("-")[0].lower() for tag in tags]
        for code in wanted + _accepted(request.headers.get("Accept-Language", "")):
            if code in self.by_code:
                return self.by_code[code]
        return self.by_code[self.default]


def _translations(file: Path) -> gettext.GNUTranslations:
    """A catalogue; texts that it lacks, or has marked as fuzzy, stay English."""
    with file.open("rb") as source:
        catalogue = read_po(source, abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _accepted(header: str) -> list[str]:
    """The languages of an Accept-Language header (RFC 9110, 12.5.4), the most wanted first."""
    wanted: list[tuple[float, str]] = []
    for each in header[:_MAX_HEADER].split(","):
        if match := _RANGE.fullmatch(each):
            try:
                quality = float(match[2] or 1)
            except ValueError:
                continue
            if quality > 0:
                wanted.append((-quality, match[1].lower()))
    return [code for _, code in sorted(wanted, key=lambda each: each[0])]
