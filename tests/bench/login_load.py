"""Logs in without a pause on so many connections: PORT CONNECTIONS SECONDS EMAIL…"""

import http.client
import itertools
import json
import sys
import threading
import time

from tests.support.system import PASSWORD

WARM_UP_SECONDS = 2.0


def main(port: int, connections: int, seconds: float, emails: list[str]) -> None:
    """Prints the rate and the number of log-ins that failed, both after a warm-up."""
    begins = time.monotonic() + WARM_UP_SECONDS
    ends = begins + seconds
    done: list[int] = []
    failed: list[int] = []

    def log_in(mine: "itertools.cycle[str]") -> None:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        while time.monotonic() < ends:
            body = f"email={next(mine)}&password={PASSWORD}"
            client.request("POST", "/api/v2/identity/sessions", body, headers)
            response = client.getresponse()
            response.read()
            if begins < time.monotonic() < ends:
                (done if response.status == http.HTTPStatus.CREATED else failed).append(1)

    threads = [
        threading.Thread(target=log_in, args=(itertools.cycle(emails[n:] + emails[:n]),))
        for n in range(connections)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    json.dump({"rate": len(done) / seconds, "failed": len(failed)}, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:])
