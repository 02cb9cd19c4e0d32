"""The command that shows mails without sending any."""

import os
import subprocess
import sys
from email import message_from_bytes, policy
from pathlib import Path

from mailer_svc.mail.configuration import read_mails
from tests.unit.mailer.builders import CONFIG, ENVIRONMENT


def preview(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mailer_svc", "preview", *arguments],
        env={"PATH": os.defpath, **ENVIRONMENT, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_one_mail_as_text_html_and_as_it_is_sent() -> None:
    text = preview("--mail", "new_log_in", "--language", "de").stdout
    assert text.startswith("Neue Anmeldung an Ihrem Konto bei Barong\n\n")
    assert "Firefox, Linux" in text

    html = preview("--mail", "new_log_in", "--format", "html").stdout
    assert html.startswith("<!DOCTYPE html>")

    sent = preview("--mail", "confirmation", "--format", "eml").stdout
    message = message_from_bytes(sent.encode(), policy=policy.default)
    assert message["Subject"] == "Confirm your e-mail address at Barong"


def test_all_mails_are_written_into_a_folder(tmp_path: Path) -> None:
    done = preview("--out", str(tmp_path))

    assert done.returncode == 0, done.stderr
    files = {file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*.*")}
    assert len(files) == len(read_mails(CONFIG / "mailer.yaml")) * 2 * 3
    assert {"de/new_log_in.html", "en/password_changed.eml", "en/profile_rejected.txt"} <= files
    assert all(file.read_text() for file in tmp_path.rglob("*.*"))


def test_what_is_not_there_is_said() -> None:
    for arguments, words in (
        (("--mail", "nothing"), "no mail nothing; there are confirmation, password_reset"),
        ((), "say which mail"),
        (("--mail", "confirmation", "--language", "fr"), "de, en"),
        (("--mail", "confirmation", "--format", "pdf"), "text, html, eml"),
    ):
        done = preview(*arguments)
        assert done.returncode == 1
        assert words in done.stderr
        assert "Traceback" not in done.stderr


def test_faults_are_reported_with_their_places(tmp_path: Path) -> None:
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "new_log_in.txt.j2").write_text("one\n{{ record.nothing }}\n")
    (tmp_path / "en" / "account_deleted.subject.j2").write_text("{% if %}")

    done = preview("--mail", "confirmation", BARONG_MAIL_TEMPLATES_DIR=str(tmp_path))

    assert done.returncode == 1
    assert f"{tmp_path}/en/new_log_in.txt.j2, line 2: " in done.stderr
    assert f"{tmp_path}/en/account_deleted.subject.j2, line 1: " in done.stderr
