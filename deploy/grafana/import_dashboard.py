"""Imports the dashboard into a Grafana that runs already, or replaces it there.

    GRAFANA_TOKEN=… python3 -m deploy.grafana.import_dashboard https://grafana.example.com

The token is that of a service account that may write dashboards. Only the standard library is
needed.
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

BOARD = Path(__file__).with_name("barong.json")
_SECONDS = 30


def main() -> None:
    """Ends with 1 and a sentence if Grafana does not take it."""
    parser = argparse.ArgumentParser(
        prog="python3 -m deploy.grafana.import_dashboard", description=__doc__
    )
    parser.add_argument("url", help="Grafana's address")
    url = parser.parse_args().url.rstrip("/")
    if not url.startswith(("http://", "https://")):
        sys.exit(f"{url} is no address of HTTP")
    if not (token := os.environ.get("GRAFANA_TOKEN")):
        sys.exit("GRAFANA_TOKEN is not set")
    body = {"dashboard": json.loads(BOARD.read_text()), "overwrite": True}
    request = urllib.request.Request(  # noqa: S310 - checked above
        f"{url}/api/dashboards/db",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:  # noqa: S310
            made = json.load(answer)
    except urllib.error.HTTPError as error:
        sys.exit(f"Grafana answers {error.code}: {error.read(500).decode(errors='replace')}")
    except (OSError, ValueError) as error:
        sys.exit(f"Grafana does not answer: {error}")
    sys.stdout.write(f"{url}{made['url']}\n")


if __name__ == "__main__":
    main()
