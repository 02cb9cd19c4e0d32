"""Barong 2.x is replaced by the commands of docs/operators/migration-from-barong.md."""

import re
from dataclasses import replace
from pathlib import Path

import jwt

from identity_svc.settings import IdentitySettings
from shared.contracts.topology import EVENTS
from shared.messaging.broker import connected
from shared.settings import load_settings
from tests.deploy.test_backup import run
from tests.integration.identity.test_signing_keys import a_key_file, signs
from tests.support.barong_export import a_label, a_user, export
from tests.support.barong_subscriber import verified
from tests.support.client import Client
from tests.support.database import TestDatabase
from tests.support.system import ROOT, Installation, started

PAGE = (ROOT / "docs" / "operators" / "migration-from-barong.md").read_text()
TRY, IMPORT = re.findall(r"^ *```sh\n(.*?)^ *```", PAGE, re.DOTALL | re.MULTILINE)


async def users_in(database: TestDatabase) -> int:
    async with database.connected() as connection:
        count: int = await connection.fetchval(
            "SELECT count(*) FROM identity.users WHERE email LIKE 'imported%'"
        )
        return count


async def test_front_ends_and_subscribers_go_on_as_they_are(
    system_of_my_own: Installation, database: TestDatabase, tmp_path: Path
) -> None:
    file = a_key_file(tmp_path / "barong.pem")
    identity = {
        **system_of_my_own.environments["identity"],
        "JWT_PRIVATE_KEY_PATH": str(file),
        "BARONG_SIGNING_KEY_PUBLISH_SECONDS": "1",
        "BARONG_SIGNING_KEY_RELOAD_SECONDS": "1",
    }
    environments = {**system_of_my_own.environments, "identity": identity}
    system = replace(system_of_my_own, environments=environments)
    user = a_user(level="1", otp="1")
    bad = a_user(email="nobody")
    folder = export(tmp_path / "export", [user, bad], [a_label(user), a_label(bad)])
    told = {**identity, "EXPORT": str(folder)}

    own = load_settings(IdentitySettings, identity).operator_key
    assert own is not None
    public = own.key.public_key()

    async with started(system):
        await signs(system, own.kid)
        before = {path.name for path in folder.iterdir()}
        await run(f"{TRY.strip()} || test $? = 1", told)  # it refuses rows
        assert await users_in(database) == 0
        reports = {path.name for path in folder.iterdir()} - before
        assert "users.refused.csv" in reports
        assert "users.refused.csv" in PAGE
        assert "labels.refused.csv" in PAGE
        export(folder, [user], [a_label(user)])  # corrected
        for _ in range(2):  # the second time nothing is left to do
            await run(IMPORT, told)
            assert await users_in(database) == 1
        assert user["uid"] in (folder / "users.otp_off.csv").read_text()

        async with (
            Client(system) as front_end,
            connected(identity["AMQP_URL"], "test") as connection,
        ):
            channel = await connection.channel()
            queue = await channel.declare_queue(exclusive=True)
            await queue.bind(f"{EVENTS}.system", "session.create")

            answer = await front_end.log_in(user["email"])  # the old path, the old password
            assert (answer.status, answer.body["uid"]) == (201, user["uid"])
            assert front_end.cookie  # _barong_session
            me = (await front_end.get("resource/users/me")).body
            assert (me["uid"], me["level"], me["otp"]) == (user["uid"], 1, False)

            async with queue.iterator(no_ack=True, timeout=30) as messages:
                claims = verified((await anext(messages)).body, public)
            assert claims["event"]["record"]["user"]["uid"] == user["uid"]

            bearer = await front_end.upstream_bearer()  # what an upstream sees
            seen = jwt.decode(
                bearer.removeprefix("Bearer "), public, ["RS256"], options={"verify_aud": False}
            )
            assert (seen["uid"], seen["email"], seen["role"], seen["level"], seen["state"]) == (
                *(user["uid"], user["email"], "member", 1, "active"),
            )
