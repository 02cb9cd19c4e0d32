"""How many passwords these threads verify a second when there is nothing else: THREADS SECONDS."""

import asyncio
import sys
import time

from identity_svc.passwords.hasher import PasswordHasher
from tests.support.system import PASSWORD


async def main(threads: int, seconds: float) -> None:
    """Prints the rate; no thread ever waits for work."""
    hasher = PasswordHasher(threads)
    async with hasher.opened():
        digest = await hasher.digest(PASSWORD)
        begun = time.monotonic()

        async def verify() -> int:
            count = 0
            while time.monotonic() < begun + seconds:
                assert await hasher.verify(digest, PASSWORD)
                count += 1
            return count

        counts = await asyncio.gather(*(verify() for _ in range(2 * threads)))
        print(sum(counts) / (time.monotonic() - begun))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2])))
