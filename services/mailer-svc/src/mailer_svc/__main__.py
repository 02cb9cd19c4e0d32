"""The commands of mailer-svc: `python -m mailer_svc <command>`."""

from functools import partial

from mailer_svc.app import create_app
from mailer_svc.mail.preview import preview
from mailer_svc.schema import MIGRATIONS, SCHEMA
from mailer_svc.settings import MailerSettings
from shared.command_line import (
    Argument,
    Command,
    main,
    migrate_command,
)
from shared.contracts.services import MAILER
from shared.contracts.topology import MAILER as SUBSCRIPTION
from shared.dead_letter_commands import dead_letter_commands
from shared.process import serve
from shared.settings import load_settings

_settings = partial(load_settings, MailerSettings)


def _preview(**given: str | None) -> None:
    preview(
        _settings(),
        name=given["mail"],
        language=given["language"],
        shape=given["format"],
        folder=given["out"],
    )


if __name__ == "__main__":
    main(
        "mailer_svc",
        MAILER,
        {
            "serve": Command("Run the service.", lambda: serve(create_app(_settings()))),
            "migrate": migrate_command(lambda: _settings().direct_database_url, SCHEMA, MIGRATIONS),
            "preview": Command(
                "Show mails of sample events, without sending any.",
                _preview,
                (
                    Argument("--mail", "the mail, as mailer.yaml names it", takes="NAME"),
                    Argument("--language", "its language; else the default", takes="LANGUAGE"),
                    Argument("--format", "text, html or eml; else text", takes="FORMAT"),
                    Argument("--out", "write files, of all mails by default", takes="FOLDER"),
                ),
            ),
            "dead-letters": dead_letter_commands(_settings, SUBSCRIPTION),
        },
    )
