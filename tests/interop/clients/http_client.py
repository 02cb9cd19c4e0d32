"""A client with Python's http.client, on one connection: a new user's first steps.

Prints each step with its status, as JSON. See `test_clients.py` for its arguments.
"""

import hashlib
import http.client
import json
import os
import time
from pathlib import Path
from urllib.parse import urlencode, urlsplit

FORM = "application/x-www-form-urlencoded"
BOUNDARY = "----http.client"

steps: list[tuple[str, int]] = []
headers = {"User-Agent": os.environ["USER_AGENT"]}
connection = http.client.HTTPConnection(urlsplit(os.environ["GATEWAY"]).netloc, timeout=20)


def call(step: str, method: str, path: str, body: bytes | None = None, type_: str = "") -> bytes:
    """One request; cookies are kept in `headers`."""
    connection.request(method, path, body, headers | ({"Content-Type": type_} if type_ else {}))
    answer = connection.getresponse()
    for line in answer.headers.get_all("Set-Cookie", ()):
        headers["Cookie"] = line.partition(";")[0]
    steps.append((step, answer.status))
    return answer.read()


def form(**fields: str) -> bytes:
    """A URL-encoded form."""
    return urlencode(fields).encode()


def mailed_token() -> str:
    """The token from the mail, once it has arrived."""
    file = Path(os.environ["TOKEN_FILE"])
    while not (file.exists() and (token := file.read_text())):
        time.sleep(0.05)
    return token


def document() -> bytes:
    """A multipart form with a file."""
    fields = {"doc_type": "Passport", "doc_number": "AA 1234", "doc_expire": "3020-01-22"}
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    parts.append(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="upload[]"; filename="a.png"\r\n'
        "Content-Type: image/png\r\n\r\n"
    )
    file = Path(os.environ["UPLOAD"]).read_bytes()
    return "".join(parts).encode() + file + f"\r\n--{BOUNDARY}--\r\n".encode()


credentials = form(email=os.environ["EMAIL"], password=os.environ["PASSWORD"])
call("sign up", "POST", "/identity/users", credentials, FORM)
token = form(token=mailed_token())
call("confirm", "POST", "/identity/users/email/confirm_code", token, FORM)
session = json.loads(call("log in", "POST", "/identity/sessions", credentials, FORM))
label = form(key="client", value="http-client")
call("label without token", "POST", "/resource/labels", label, FORM)
headers["X-CSRF-Token"] = session["csrf_token"]
call("label", "POST", "/resource/labels", label, FORM)
multipart = f"multipart/form-data; boundary={BOUNDARY}"
made = json.loads(call("upload", "POST", "/resource/documents", document(), multipart))
link = urlsplit(made["upload"]["url"])
content = call("download", "GET", f"{link.path}?{link.query}")
me = json.loads(call("me", "GET", "/resource/users/me"))
call("log out", "DELETE", "/identity/sessions")
digest = hashlib.sha256(content).hexdigest()
print(json.dumps({"steps": steps, "email": me["email"], "digest": digest}))
