"""The commands of mailer-svc: `python -m mailer_svc <command>`."""

from functools import partial

from mailer_svc.app import create_app
from mailer_svc.settings import MailerSettings
from shared.command_line import Command, dead_letter_commands, main
from shared.contracts.services import MAILER
from shared.contracts.topology import MAILER as SUBSCRIPTION
from shared.process import serve
from shared.settings import load_settings

_settings = partial(load_settings, MailerSettings)

if __name__ == "__main__":
    main(
        "mailer_svc",
        MAILER,
        {
            "serve": Command(
                "Send mails until told to stop.", lambda: serve(create_app(_settings()))
            ),
            **dead_letter_commands(_settings, SUBSCRIPTION),
        },
    )
