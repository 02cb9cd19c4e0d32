"""The calls of the drill on a cluster end as they have to, while nothing is replaced."""

from deploy.cluster.load import Load, log_in
from tests.support.client import Client
from tests.support.system import PASSWORD, SUPERADMIN, Installation
from tests.support.waiting import until

CALLS = 60
EACH = {
    *("log in", "write a label", "ping", "me", "me, no session", "list users"),
    *("list users as a member", "page of the account", "metadata of OAuth"),
}


async def test_every_call_of_the_drill_ends_as_it_has_to(system: Installation) -> None:
    gateway = ("127.0.0.1", system.public["gateway"])
    async with Client(system) as client:
        await client.become_member()
        label = await client.post("resource/labels", {"key": "drill", "value": "new"})
        assert label.status == 201
        members = [await log_in(gateway, client.email, PASSWORD)]
    superadmin = await log_in(gateway, SUPERADMIN, PASSWORD)
    load = Load(gateway, members, superadmin, rate=200)

    def called() -> set[str]:
        return {outcome.call for outcome in load.outcomes}

    async def enough() -> bool:
        return len(load.outcomes) >= CALLS and called() >= EACH

    async with load.running():
        await until(enough, 120)
    assert called() == EACH
    assert [outcome for outcome in load.outcomes if not outcome.right] == []
