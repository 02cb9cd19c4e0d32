"""Verifying the chain."""

from dataclasses import dataclass, field

from admin_svc.audit import store
from admin_svc.audit.chain import BEGINNING, KeptEntry, commitment_to
from shared.database.pool import Database


class BrokenChain(Exception):
    """The chain was tampered with; the message says where it breaks first."""


@dataclass(slots=True)
class Verified:
    """What was verified so far; `head` is the hash to note elsewhere, for it covers everything."""

    entries: int = 0
    head: bytes = BEGINNING
    erased: int = 0
    unaccounted: dict[str, list[int]] = field(default_factory=dict)
    """By uid, the entries whose payloads are missing and whose erasure was not met yet."""


@dataclass(frozen=True, slots=True)
class VerifyAudit:
    """Follows the chain from its beginning; entries that are appended meanwhile are no harm."""

    database: Database

    async def __call__(self, known_head: bytes | None = None) -> Verified:
        """Raises `BrokenChain`.

        `known_head`, noted after an earlier verification, has to be met: who could rewrite the
        whole chain could not rewrite that.
        """
        verified = Verified()
        met = known_head is None or known_head == BEGINNING
        async for kept in store.entries(self.database):
            _follow(verified, kept)
            met = met or verified.head == known_head
        for numbers in verified.unaccounted.values():
            raise BrokenChain(
                f"entry {numbers[0]}: its payload is missing, and no erasure is noted"
            )
        if not met:
            raise BrokenChain("the known hash is not in the chain: it was rewritten or cut off")
        return verified


def _follow(verified: Verified, kept: KeptEntry) -> None:
    entry = kept.entry
    if entry.id != verified.entries + 1:
        raise BrokenChain(f"entry {verified.entries + 1} is missing")
    if kept.previous_hash != verified.head:
        raise BrokenChain(f"entry {entry.id} does not follow the one before it")
    if kept.hash != entry.hash_after(verified.head):
        raise BrokenChain(f"entry {entry.id} says something else than when it was appended")
    if kept.payload is not None and kept.salt is not None:
        if commitment_to(kept.salt, kept.payload) != entry.commitment:
            raise BrokenChain(f"entry {entry.id}: its payload is another than when it was appended")
    elif entry.commitment is not None:
        verified.erased += 1
        verified.unaccounted.setdefault(entry.target_uid or "", []).append(entry.id)
    if entry.kind == "erasure":
        verified.unaccounted.pop(entry.target_uid or "", None)
    verified.entries, verified.head = entry.id, kept.hash
