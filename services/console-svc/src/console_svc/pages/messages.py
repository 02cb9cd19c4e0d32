"""`python -m console_svc messages`: writes the texts of templates and code into catalogues."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from console_svc.pages.languages import PACKAGED

_PACKAGE = Path(__file__).parents[1]
_METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2")]
_OPTIONS = {"**/templates/**.html": {"newstyle_gettext": "true", "trimmed": "true"}}
_UNDATED = datetime(2026, 1, 1, tzinfo=UTC)
"""Catalogues carry no date: each would be a change of its own."""
_KEYWORDS = {"marked": None, "gettext": None, "ngettext": (1, 2), "_": None}


def texts() -> Iterator[tuple[str, int, str | tuple[str, ...]]]:
    """Every text of the pages: file, line, and the text or its singular and plural."""
    for file, line, message, _comments, _context in extract_from_dir(
        _PACKAGE, _METHODS, _OPTIONS, keywords=_KEYWORDS
    ):
        yield file, line, message


def update(folder: str | None, language: str | None) -> None:
    """Adds new texts to `<language>.po`, and removes those that are no more.

    Without a language it updates each file of the folder, without a folder the packaged ones.
    """
    place = Path(folder) if folder else PACKAGED
    codes = [language] if language else sorted(file.stem for file in place.glob("*.po"))
    for code in codes:
        file = place / f"{code}.po"
        known = _read(file, code)
        made = Catalog(
            locale=code, project="Barong", creation_date=_UNDATED, revision_date=_UNDATED
        )
        for _file, _line, message in texts():
            key = message if isinstance(message, str) else message[0]
            kept = known.get(key)
            made.add(message, kept.string if kept is not None and not kept.fuzzy else "")
        with file.open("wb") as target:
            write_po(target, made, width=100, omit_header=False, sort_output=True)
        missing = sum(1 for each in made if each.id and not is_translated(each))
        sys.stdout.write(f"{file}: {len(made)} texts, {missing} without a translation\n")


def is_translated(message: Message) -> bool:
    """Whether the text, or each of its plural forms, has a translation that is not a guess."""
    strings = [message.string] if isinstance(message.string, str) else message.string
    return not message.fuzzy and bool(strings) and all(strings or ())


def _read(file: Path, code: str) -> Catalog:
    if not file.exists():
        return Catalog(locale=code)
    with file.open("rb") as source:
        return read_po(source, locale=code)
