"""The codes that prove a phone to be in its user's hands."""

import hmac
import json
import secrets

from resource_svc.phones.phone import Attempt, Phone
from resource_svc.phones.rules import CODE_DIGITS
from shared.crypto.key_ring import KeyRing


class Codes:
    """Makes codes, and digests of them that are no use without our keys.

    A plain hash of five digits would be looked up in a table. A digest is bound to user and number.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._keys = [hmac.digest(key, b"phone codes", "sha256") for key in ring.keys.values()]

    def new(self) -> str:
        """Random digits."""
        return f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"

    def digest(self, phone: Phone, code: str) -> bytes:
        """What is kept of a code, under the key that came first when it was made."""
        return _digest(self._keys[0], phone, code)

    def is_right(self, attempt: Attempt, code: str) -> bool:
        """Whether this is the code that was sent, under any key of the ring."""
        digests = [_digest(key, attempt.phone, code) for key in self._keys]
        return any(hmac.compare_digest(each, attempt.code_digest) for each in digests)


def _digest(key: bytes, phone: Phone, code: str) -> bytes:
    return hmac.digest(key, json.dumps([phone.uid, phone.number, code]).encode(), "sha256")
