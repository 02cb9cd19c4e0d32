"""mailer-svc without its queue."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mailer_svc.core import Core
from mailer_svc.mail.use_cases import build
from mailer_svc.subscriptions import reactions
from shared.contracts.events import ReceivedEvent
from tests.unit.mailer.builders import settings
from tests.unit.mailer.mail_server import LOCALHOST


class Mailer:
    """A second one over the same database is another replica, or the first one restarted."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.mails = build(core)
        self.reactions = reactions(self.mails)

    async def react(self, event: ReceivedEvent) -> None:
        await self.reactions[event.name](event)

    def counted(self, mail: str, outcome: str) -> float | None:
        labels = {"mail": mail, "outcome": outcome}
        return self.core.registry.get_sample_value("mails_total", labels)


@asynccontextmanager
async def mailer_at(dsn: str, port: int, **variables: str) -> AsyncIterator[Mailer]:
    """A mailer with a relay at a port of this machine."""
    core = Core.of(
        settings(
            DATABASE_URL=dsn,
            BARONG_SMTP_HOST=LOCALHOST,
            BARONG_SMTP_PORT=str(port),
            BARONG_SMTP_TLS="none",
            **variables,
        )
    )
    async with core.database.opened():
        yield Mailer(core)
