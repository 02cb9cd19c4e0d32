"""The policy as it travels to gateways."""

import json

import pytest

from shared.contracts.policy import Permission, Policy, Restriction

POLICY = Policy(
    7,
    (Permission("member", "ALL", "api/v2", "ACCEPT", None),),
    (Restriction("blacklist", "ip_subnet", "2001:db8::/32", 403),),
)


def test_it_arrives_as_it_was_sent() -> None:
    assert Policy.of(json.loads(json.dumps(POLICY.to_internal()))) == POLICY


@pytest.mark.parametrize("part", ["version", "permissions", "restrictions"])
def test_a_part_that_is_missing_is_not_taken_for_an_empty_one(part: str) -> None:
    body = POLICY.to_internal()
    del body[part]

    with pytest.raises(KeyError):
        Policy.of(body)
