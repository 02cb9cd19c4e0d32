"""Asks one URL again and again at a steady pace: PORT PATH RATE SECONDS."""

import http.client
import json
import sys
import time


def main(port: int, path: str, rate: float, seconds: float) -> None:
    """Prints a list of milliseconds, each from the moment in which the request was due."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    samples = []
    begun = time.perf_counter()
    for number in range(int(rate * seconds)):
        due = begun + number / rate
        if (wait := due - time.perf_counter()) > 0:
            time.sleep(wait)
            due = time.perf_counter()  # how late we wake is no fault of the server
        client.request("GET", path)
        response = client.getresponse()
        response.read()
        if response.status != http.HTTPStatus.OK:
            sys.exit(f"{path} answered {response.status}")
        samples.append((time.perf_counter() - due) * 1000)
    json.dump(samples, sys.stdout)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), float(sys.argv[4]))
