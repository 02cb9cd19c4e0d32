"""The commands of console-svc: `python -m console_svc <command>`."""

from functools import partial

from console_svc.app import create_app
from console_svc.pages.messages import update
from console_svc.settings import ConsoleSettings
from shared.command_line import Argument, Command, main
from shared.contracts.services import CONSOLE
from shared.process import serve
from shared.settings import load_settings

_settings = partial(load_settings, ConsoleSettings)


def _messages(**given: str | None) -> None:
    update(given["folder"], given["language"])


if __name__ == "__main__":
    main(
        "console_svc",
        CONSOLE,
        {
            "serve": Command(
                "Serve pages until told to stop.", lambda: serve(create_app(_settings()))
            ),
            "messages": Command(
                "Write every text of the pages into <language>.po, keeping translations.",
                _messages,
                (
                    Argument("--folder", "the folder of languages; else ours", takes="FOLDER"),
                    Argument("--language", "only this one; else each in it", takes="LANGUAGE"),
                ),
            ),
        },
    )
