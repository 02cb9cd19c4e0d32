"""Audits from gateways to admin-svc, signed with the services' key; they do not expire."""

import hmac
from collections.abc import Sequence

import jwt

from shared.contracts.activities import Activity
from shared.contracts.events import ReceivedEvent
from shared.contracts.topology import AUDIT
from shared.crypto.key_ring import KeyRing
from shared.messaging.envelope import UntrustedEventError

_ALGORITHM = "HS256"


class AuditSeal:
    """Signs audits with the first key, and verifies audits that any key signed.

    Unlike a service token, a signed audit does not expire: it may wait in its queue for days. The
    keys are derived, so that neither can be used as the other.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._primary, _ = ring.primary
        self._keys = {
            key_id: hmac.digest(key, b"audits", "sha256") for key_id, key in ring.keys.items()
        }

    def seal(self, activities: Sequence[Activity]) -> bytes:
        """The message with these activities, of which there is at least one."""
        return jwt.encode(
            {"aud": AUDIT, "activities": [activity.to_internal() for activity in activities]},
            self._keys[self._primary],
            _ALGORITHM,
            headers={"kid": self._primary, "typ": None},
        ).encode()

    async def open(self, body: bytes) -> ReceivedEvent:
        """The audit; its record has the `activities`, as `Activity.to_internal()`.

        Raises `UntrustedEventError`.
        """
        try:
            key = self._keys[jwt.get_unverified_header(body)["kid"]]
            claims = jwt.decode(body, key, algorithms=[_ALGORITHM], audience=AUDIT)
            first = Activity.of(claims["activities"][0])
        except (jwt.InvalidTokenError, LookupError, TypeError, ValueError) as error:
            raise UntrustedEventError(type(error).__name__) from None
        return ReceivedEvent(
            id=first.id,
            name=AUDIT,
            record={"activities": claims["activities"]},
            changes={},
            snapshot={},
            issued_at=first.created_at,
        )
