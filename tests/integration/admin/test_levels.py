"""GET /admin/levels through the gateway."""

from tests.support.client import Client


async def test_the_levels_stand_in_their_order(admin: Client) -> None:
    answer = await admin.get("admin/levels")

    assert answer.status == 200
    assert answer.body == [
        {"id": 1, "key": "email", "value": "verified"},
        {"id": 2, "key": "phone", "value": "verified"},
        {"id": 3, "key": "document", "value": "verified"},
    ]
