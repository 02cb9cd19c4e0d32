"""mailer.yaml: what it may say, and every fault of it at once, with its line."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mailer_svc.mail.configuration import read_mails
from mailer_svc.mail.models import DEFAULT_LIMIT, Condition, Limit, Mail
from shared.settings import SettingsError
from tests.unit.mailer.builders import CONFIG, an_event


def written(folder: Path, text: str | bytes) -> Path:
    file = folder / "mailer.yaml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def faults(folder: Path, text: str | bytes) -> list[str]:
    file = written(folder, text)
    with pytest.raises(SettingsError) as raised:
        read_mails(file)
    assert all(fault.startswith(str(file)) for fault in raised.value.faults)
    return [fault.removeprefix(f"{file}, ") for fault in raised.value.faults]


def test_every_key(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
        mails:
          - name: vip
            event: [model.label.created, model.label.updated]
            when:
              - {record.key: vip, record.value: ["yes", gold], record.scope: private}
              - {changes.value: null}
            template: label
            page: /vip
            languages: [en, pt-br]
            limit: {mails: 1, hours: 24}
          - name: confirmation
            event: system.user.email.confirmation.token
            parameter: confirmation_token
        """,
    )

    assert read_mails(file) == (
        Mail(
            name="vip",
            events=("model.label.created", "model.label.updated"),
            template="label",
            page="/vip",
            when=(
                (
                    Condition(("record", "key"), ("vip",)),
                    Condition(("record", "value"), ("yes", "gold")),
                    Condition(("record", "scope"), ("private",)),
                ),
                (Condition(("changes", "value"), (None,)),),
            ),
            languages=("en", "pt-br"),
            limit=Limit(1, 24),
        ),
        Mail(
            name="confirmation",
            events=("system.user.email.confirmation.token",),
            template="confirmation",
            parameter="confirmation_token",
            limit=DEFAULT_LIMIT,
        ),
    )


@pytest.mark.parametrize(
    ("record", "wanted", "holds"),
    [
        ({"otp": True}, (True,), True),
        ({"otp": 1}, (True,), False),
        ({"otp": "true"}, (True,), False),
        ({}, (None,), True),
        ({}, (True,), False),
        ({"otp": {"x": 1}}, (True, None), False),
        ({"otp": False}, (True, False), True),
    ],
)
def test_a_condition_compares_values_of_one_type(
    record: dict[str, Any], wanted: tuple[Any, ...], holds: bool
) -> None:
    parts = {"record": record, "changes": {}}
    assert Condition(("record", "otp"), wanted).holds(parts) is holds


def test_a_path_that_leads_nowhere_is_no_fault() -> None:
    assert not Condition(("record", "a", "b"), (1,)).holds({"record": {"a": 7}})


def test_all_conditions_of_one_alternative_have_to_hold() -> None:
    a, b = Condition(("record", "a"), (1,)), Condition(("record", "b"), (1,))
    mail = Mail(
        "x", ("model.label.created",), "x", when=((a, b), (Condition(("record", "c"), (1,)),))
    )

    def applies(**record: int) -> bool:
        return mail.applies(an_event("model.label.created", record=record))

    assert applies(a=1, b=1)
    assert applies(c=1)
    assert not applies(a=1)
    assert not mail.applies(replace(an_event("model.label.deleted"), record={"c": 1}))


def test_every_fault_is_told_at_once_with_its_line(tmp_path: Path) -> None:
    assert faults(
        tmp_path,
        """\
mails:
  - name: New Mail
    event: system.session.revoked
    pages: /
  - event: system.user.otp.guessed
  - name: a
    event: system.user.otp.guessed
    page: accounts?x=1
    parameter: token
    when: {user.otp: true, record.x: 1.5}
    limit: {mails: 0, hours: 25}
    languages: ["../en"]
  - name: a
    name: a
    event: []
more: 1
""",
    ) == [
        "line 2: A name is like new_log_in.",
        "line 3: No event that can become a mail: system.session.revoked.",
        "line 4: 'pages' is unknown here: name, event, template, page, parameter, when, "
        "languages, limit.",
        "line 5: It lacks 'name'.",
        "line 8: A page is a path such as /accounts.",
        "line 9: Not all events of this mail have a token.",
        "line 10: A condition is about record.… or changes.…",
        "line 10: A text, a whole number, true, false or null is wanted.",
        "line 11: A whole number from 1 to 1000 is wanted.",
        "line 12: Not a language in lower case, such as de or pt-br.",
        "line 14: 'name' stands here twice.",
        "line 15: From one to 50 events are possible.",
        "line 16: 'more' is unknown here: mails.",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "line 1: It is empty"),
        ("mails: []", "line 1: From one to 100 mails"),
        ("- 1", "line 1: Keys with values"),
        ("mails: 7", "line 1: A list of mails"),
        ("mails: [1, [2]]", "line 1: Keys with values"),
        ("mails:\n  - {", "line 2"),
        ("mails: !!python/object:os.system x", "line 1: A list"),
        ("mails:\n  - name: !!python/name:os.system x\n    event: model.user.created", "line 2"),
        ("a: &a [*a]", "line 1"),
        (b"\xff\xfe\x00", "codec"),
        ("[" * 100_000, ""),
        ("x" * 300_000, "More than 262144 bytes."),
        ("mails:\n  - name: 2026-13-45\n    event: model.user.created", "line 2"),
        ("mails:\n  - name: 2026-02-31\n    event: model.user.created", "line 2"),
    ],
    ids=lambda value: repr(value)[:24],
)
def test_whatever_it_contains_is_a_fault_and_no_crash(
    tmp_path: Path, text: str | bytes, fault: str
) -> None:
    assert fault in "\n".join(faults(tmp_path, text))


def test_two_mails_of_one_name_are_a_fault(tmp_path: Path) -> None:
    mail = "  - {name: a, event: model.user.created}\n"
    assert faults(tmp_path, f"mails:\n{mail}{mail}") == ["line 3: There are two mails 'a'."]


def test_a_file_that_is_not_there_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        read_mails(tmp_path / "nowhere.yaml")


def test_the_file_of_this_release() -> None:
    names = [mail.name for mail in read_mails(CONFIG / "mailer.yaml")]

    assert {"confirmation", "password_reset", "codes_guessed", "new_log_in"} <= set(names)
