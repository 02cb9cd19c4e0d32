"""Opens connections, makes one call on each, and keeps them until its input ends: PORT COUNT."""

import asyncio
import resource
import sys

REQUEST = b"GET /none HTTP/1.1\r\nHost: gateway\r\nUser-Agent: idle\r\n\r\n"
TOGETHER = 200


async def main(port: int, count: int) -> None:
    """Prints how many there are once all have been answered."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    kept: list[asyncio.StreamWriter] = []
    turn = asyncio.Semaphore(TOGETHER)

    async def connect() -> None:
        async with turn:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(REQUEST)
            await reader.readuntil(b"\r\n\r\n")
            kept.append(writer)

    await asyncio.gather(*(connect() for _ in range(count)))
    print(len(kept), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
