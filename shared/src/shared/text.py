"""Text as people type it: composed, trimmed, and with the digits of every script read."""

import unicodedata

import idna

_JOINERS = "\u200c\u200d"  # zero width (non-)joiner: Persian and Indic spelling needs them
_BLANK_LETTERS = frozenset("\u115f\u1160\u2800\u3164\uffa0\u034f")
"""Letters, a symbol and a mark that show nothing: Hangul fillers, an empty Braille cell, CGJ."""
_DASHES = "\u2212\ufe58\ufe63\uff0d"  # a minus sign and forms of it, which are no dashes in Unicode
_PLUS_SIGNS = "+\ufe62\uff0b"


def composed(text: str) -> str:
    """The text in NFC: however a keyboard makes an accent, it is the same character."""
    return unicodedata.normalize("NFC", text)


def cleaned(text: str) -> str:
    """The text as it is checked and kept: composed, without blanks around it."""
    return composed(text).strip()


def is_blank(text: str) -> bool:
    """Whether the text is invisible: only spaces, joiners, marks of direction, fillers.

    A control character other than white space is not blank: it is a fault of its own.
    """
    return all(map(_is_invisible, text))


def _is_invisible(character: str) -> bool:
    if character.isspace() or character in _BLANK_LETTERS:
        return True
    return unicodedata.category(character) in ("Cf", "Zs", "Zl", "Zp") or _selects(character)


def _selects(character: str) -> bool:
    """Whether it only selects a form of the character before it (variation selectors)."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def is_printable(character: str) -> bool:
    """Whether a character shows something or joins what does; others control or set direction."""
    if character in _JOINERS:
        return True
    category = unicodedata.category(character)
    return category[0] in "LMNPS" or category == "Zs"


def plain_number(text: str) -> str:
    """Digits of every script as 0-9, blanks as spaces, dashes as hyphens; invisible marks are gone.

    Applications that numbers are copied from put marks of direction and no-break spaces and
    hyphens around and into them.
    """
    return "".join(map(_plain, text)).strip()


def _plain(character: str) -> str:
    digit = unicodedata.decimal(character, None)
    if digit is not None:
        return str(digit)
    if character.isspace():
        return " "
    if character in _PLUS_SIGNS:
        return "+"
    category = unicodedata.category(character)
    if category == "Pd" or character in _DASHES:
        return "-"
    return "" if category == "Cf" else character


def plain_code(text: str) -> str:
    """A code without separators that people and programs put between its characters."""
    return "".join(plain_number(text).replace("-", " ").split())


def ascii_email(text: str) -> str:
    """An e-mail address with its domain as mail servers know it: `max@xn--mller-kva.de`.

    Domains in other scripts become punycode (IDNA 2008 with the mapping of UTS 46). What is no
    domain stays as it is, to be refused by whoever checks addresses.
    """
    address = cleaned(text)
    local, at, domain = address.rpartition("@")
    if not at or domain.isascii():
        return address
    try:
        return f"{local}@{idna.encode(domain, uts46=True, std3_rules=True).decode()}"
    except (idna.IDNAError, UnicodeError):
        return address
