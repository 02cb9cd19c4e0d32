"""A client with requests and its session object: a new user's first steps.

Prints each step with its status, as JSON. See `test_clients.py` for its arguments.
"""

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import requests

GATEWAY = os.environ["GATEWAY"]

steps: list[tuple[str, int]] = []
session = requests.Session()
session.headers["User-Agent"] = os.environ["USER_AGENT"]


def call(step: str, method: str, path: str, **options: Any) -> requests.Response:
    """One request."""
    answer = session.request(method, urljoin(GATEWAY, path), timeout=20, **options)
    steps.append((step, answer.status_code))
    return answer


def mailed_token() -> str:
    """The token from the mail, once it has arrived."""
    file = Path(os.environ["TOKEN_FILE"])
    while not (file.exists() and (token := file.read_text())):
        time.sleep(0.05)
    return token


credentials = {"email": os.environ["EMAIL"], "password": os.environ["PASSWORD"]}
call("sign up", "POST", "/identity/users", data=credentials)
token = {"token": mailed_token()}
call("confirm", "POST", "/identity/users/email/confirm_code", data=token)
opened = call("log in", "POST", "/identity/sessions", json=credentials).json()
label = {"key": "client", "value": "requests"}
call("label without token", "POST", "/resource/labels", data=label)
session.headers["X-CSRF-Token"] = opened["csrf_token"]
call("label", "POST", "/resource/labels", json=label)
with Path(os.environ["UPLOAD"]).open("rb") as file:
    made = call(
        "upload",
        "POST",
        "/resource/documents",
        data={"doc_type": "Passport", "doc_number": "AA 1234", "doc_expire": "3020-01-22"},
        files={"upload[]": ("passport.png", file, "image/png")},
    ).json()
content = call("download", "GET", made["upload"]["url"]).content
me = call("me", "GET", "/resource/users/me").json()
call("log out", "DELETE", "/identity/sessions")
digest = hashlib.sha256(content).hexdigest()
print(json.dumps({"steps": steps, "email": me["email"], "digest": digest}))
