"""Prints how many RS256 signatures a second one core makes: what no relay can do better than."""

import os
import sys
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

SECONDS = 2.0
_BITS = 2048
_BYTES = 700  # of a usual event


def main(core: int) -> None:
    """Signs for two seconds on this core."""
    os.sched_setaffinity(0, {core})
    key = rsa.generate_private_key(65537, _BITS)
    message, count, begun = os.urandom(_BYTES), 0, time.process_time()
    while (seconds := time.process_time() - begun) < SECONDS:
        key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        count += 1
    print(count / seconds)


if __name__ == "__main__":
    main(int(sys.argv[1]))
