"""The file that says which events become which mails: mailer.yaml."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import yaml

from mailer_svc.mail.models import DEFAULT_LIMIT, Condition, Limit, Mail, Scalar
from shared.contracts.topology import MAILER
from shared.settings import SettingsError

TOKEN_EVENTS = frozenset(
    {
        "system.session.mail.token",
        "system.user.email.confirmation.token",
        "system.user.email.change.token",
        "system.user.email.reversal.token",
        "system.user.password.reset.token",
    }
)
"""The events whose record has a token."""

T = TypeVar("T")

MAILER_EVENTS = frozenset(MAILER.events)
"""The events that can become mails."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8})*")  # RFC 5646, in lower case
_PAGE = re.compile(r"/[A-Za-z0-9._~/-]{0,200}")
_PARAMETER = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,62}")
_PATH = re.compile(r"(record|changes)(\.[a-z][a-z0-9_]{0,62}){1,4}")
_NO_SCALAR = "A text, a whole number, true, false or null is wanted."
_LARGEST_FILE = 262_144
_MOST = {"mails": 100, "events": 50, "alternatives": 20, "conditions": 10, "values": 50}
_MOST_MAILS, _MOST_HOURS = 1000, 24
_ROOT_KEYS = ("mails",)
_KEYS = ("name", "event", "template", "page", "parameter", "when", "languages", "limit")


class _Fault(Exception):
    """A part of the file is invalid."""

    def __init__(self, node: yaml.Node, words: str) -> None:
        super().__init__(words)
        self.line = node.start_mark.line + 1


def read_mails(path: Path) -> tuple[Mail, ...]:
    """The mails of the file; raises `SettingsError` with every fault, each with its line."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
        if len(content) > _LARGEST_FILE:
            raise SettingsError([f"{path}: More than {_LARGEST_FILE} bytes."])
        root = yaml.compose(content.decode("utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise SettingsError([f"{path}: {error.strerror}."]) from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise SettingsError([f"{path}{line}: {error.problem}."]) from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise SettingsError([f"{path}: {' '.join(str(error).split())}"]) from None
    reader = _Reader()
    mails = reader.read(root)
    if reader.faults:
        lines = sorted(reader.faults, key=lambda fault: fault.line)
        raise SettingsError([f"{path}, line {fault.line}: {fault}" for fault in lines])
    return mails


class _Reader:
    """Reads the nodes of the file; what is wrong is noted, and reading goes on."""

    def __init__(self) -> None:
        self.faults: list[_Fault] = []

    def read(self, root: yaml.Node | None) -> tuple[Mail, ...]:
        if root is None:
            empty = yaml.ScalarNode("", "", yaml.Mark("", 0, 0, 0, None, 0))
            self.faults.append(_Fault(empty, "It is empty; `mails`, a list, is wanted."))
            return ()
        mails: list[Mail] = []
        names: set[str] = set()
        try:
            node = self._members(root, _ROOT_KEYS, required=_ROOT_KEYS)["mails"]
            for item in _items(node, _MOST["mails"], "mails"):
                if (mail := self._noted(self._mail, item)) is None:
                    continue
                if mail.name in names:
                    self.faults.append(_Fault(item, f"There are two mails {mail.name!r}."))
                names.add(mail.name)
                mails.append(mail)
        except _Fault as fault:
            self.faults.append(fault)
        return tuple(mails)

    def _noted(self, read: Callable[[yaml.Node], T], node: yaml.Node) -> T | None:
        try:
            return read(node)
        except _Fault as fault:
            self.faults.append(fault)
            return None

    def _mail(self, node: yaml.Node) -> Mail:
        given = self._members(node, _KEYS, required=("name", "event"))

        def part(key: str, read: Callable[[yaml.Node], T], default: T) -> T:
            if key not in given:
                return default
            value = self._noted(read, given[key])
            return default if value is None else value

        name = part("name", _matching(_NAME, "A name is like new_log_in."), "")
        mail = Mail(
            name=name,
            events=part("event", self._events, ()),
            template=part("template", _matching(_NAME, "A template is like new_log_in."), name),
            page=part("page", _matching(_PAGE, "A page is a path such as /accounts."), "/"),
            parameter=part("parameter", _matching(_PARAMETER, "Not the name of a parameter."), ""),
            when=part("when", self._alternatives, ()),
            languages=part("languages", _languages, ()),
            limit=part("limit", self._limit, DEFAULT_LIMIT),
        )
        if mail.parameter and set(mail.events) - TOKEN_EVENTS:
            raise _Fault(given["parameter"], "Not all events of this mail have a token.")
        return mail

    def _events(self, node: yaml.Node) -> tuple[str, ...]:
        nodes = _one_or_many(node, _MOST["events"], "events")
        for each in nodes:
            if _scalar(each) not in MAILER_EVENTS:
                self.faults.append(
                    _Fault(each, f"No event that can become a mail: {_scalar(each)}.")
                )
        return tuple(str(_scalar(each)) for each in nodes)

    def _alternatives(self, node: yaml.Node) -> tuple[tuple[Condition, ...], ...]:
        several = isinstance(node, yaml.SequenceNode)
        nodes = _items(node, _MOST["alternatives"], "alternatives") if several else [node]
        read = (self._noted(self._conditions, each) for each in nodes)
        return tuple(conditions for conditions in read if conditions)

    def _conditions(self, node: yaml.Node) -> tuple[Condition, ...]:
        pairs = list(_pairs(node))
        if not 0 < len(pairs) <= _MOST["conditions"]:
            raise _Fault(node, f"From one to {_MOST['conditions']} conditions are possible.")
        conditions = []
        for key, value in pairs:
            path = _scalar(key)
            if not isinstance(path, str) or not _PATH.fullmatch(path):
                self.faults.append(_Fault(key, "A condition is about record.… or changes.…"))
                continue
            nodes = _one_or_many(value, _MOST["values"], "values")
            conditions.append(Condition(tuple(path.split(".")), tuple(map(_scalar, nodes))))
        return tuple(conditions)

    def _limit(self, node: yaml.Node) -> Limit:
        given = self._members(node, ("mails", "hours"), required=("mails", "hours"))
        return Limit(
            _number(given["mails"], _MOST_MAILS),
            _number(given["hours"], _MOST_HOURS),
        )

    def _members(
        self, node: yaml.Node, known: Sequence[str], *, required: Sequence[str]
    ) -> Mapping[str, yaml.Node]:
        members: dict[str, yaml.Node] = {}
        for key, value in _pairs(node):
            name = str(_scalar(key))
            if name not in known:
                self.faults.append(_Fault(key, f"{name!r} is unknown here: {', '.join(known)}."))
            elif name in members:
                self.faults.append(_Fault(key, f"{name!r} stands here twice."))
            else:
                members[name] = value
        if missing := [name for name in required if name not in members]:
            raise _Fault(node, f"It lacks {' and '.join(map(repr, missing))}.")
        return members


def _pairs(node: yaml.Node) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise _Fault(node, "Keys with values are wanted.")
    yield from node.value


def _items(node: yaml.Node, most: int, what: str) -> list[yaml.Node]:
    if not isinstance(node, yaml.SequenceNode):
        raise _Fault(node, f"A list of {what} is wanted.")
    if not 0 < len(node.value) <= most:
        raise _Fault(node, f"From one to {most} {what} are possible.")
    return list(node.value)


def _one_or_many(node: yaml.Node, most: int, what: str) -> list[yaml.Node]:
    return _items(node, most, what) if isinstance(node, yaml.SequenceNode) else [node]


def _scalar(node: yaml.Node) -> Scalar:
    """A text, whole number, boolean or null, as YAML's core schema reads it."""
    if not isinstance(node, yaml.ScalarNode):
        raise _Fault(node, "One value is wanted.")
    try:
        value = yaml.SafeLoader("").construct_object(node)
    except (ValueError, yaml.YAMLError):  # a date that does not exist, a tag of one's own
        raise _Fault(node, _NO_SCALAR) from None
    if value is None or isinstance(value, str | int):
        return value
    raise _Fault(node, _NO_SCALAR)


def _matching(pattern: re.Pattern[str], words: str) -> Callable[[yaml.Node], str]:
    def read(node: yaml.Node) -> str:
        value = _scalar(node)
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise _Fault(node, words)
        return value

    return read


def _languages(node: yaml.Node) -> tuple[str, ...]:
    read = _matching(_LANGUAGE, "Not a language in lower case, such as de or pt-br.")
    return tuple(map(read, _one_or_many(node, _MOST["values"], "languages")))


def _number(node: yaml.Node, most: int) -> int:
    value = _scalar(node)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise _Fault(node, f"A whole number from 1 to {most} is wanted.")
    return value
