"""Members who were given a role."""

from tests.support.client import Client
from tests.support.waiting import until


async def promote(superadmin: Client, client: Client, role: str) -> str:
    """Makes `client` a new member with a role, which the gateway has heard of; their uid."""
    uid = str((await client.become_member()).body["uid"])
    answer = await superadmin.post("admin/users/role", {"uid": uid, "role": role})
    assert (answer.status, answer.body["role"]) == (201, role)

    async def felt() -> bool:
        return bool((await client.get("admin/levels")).status == 200)

    if role in ("admin", "superadmin", "accountant", "technical"):
        assert await until(felt)
    return uid
