"""What clients send: the traffic that the gateway is measured with, each kind for wrk."""

from collections.abc import Mapping
from dataclasses import dataclass, field

USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Safari/537.36"
)
CSRF_TOKEN = "csrf"
USERS = 50

_BARE = {"User-Agent": USER_AGENT, "Cookie": f"_barong_session={'x' * 32}"}
_BROWSER = {
    **_BARE,
    "Accept": "application/json, text/plain, */*",
    "Accept-Language": "en-US,en;q=0.9",
    "Accept-Encoding": "gzip, deflate, br",
    "Referer": "https://app.example.com/",
}
_NEW_ID = """
local count = 0
local function new_id()
  count = count + 1
  wrk.headers["X-Request-Id"] = string.format(
    "%08x-%04x-4%03x-8000-%012x", count, count % 65536, count % 4096, count * 7919)
end
"""
_MIXED_PATH = '"/demo/resource" .. count % 20 .. "/items?page=" .. count .. "&limit=25"'


@dataclass(frozen=True, slots=True)
class Traffic:
    """One kind: a name, headers, and the Lua that makes each request of wrk's."""

    name: str
    headers: Mapping[str, str] = field(default_factory=lambda: _BROWSER)
    lua: str = ""


SAME_BYTES = Traffic("same bytes", _BARE)
NEW_ID = Traffic(
    "new request id", _BARE, f"{_NEW_ID} request = function() new_id() return wrk.format() end"
)
MIX = Traffic(
    "mix (20 paths, changing query, new request id)",
    lua=f"{_NEW_ID} request = function() new_id() return wrk.format(nil, {_MIXED_PATH}) end",
)
WRITES = Traffic(
    "POST with CSRF token and 200 bytes of JSON",
    {**_BROWSER, "X-CSRF-Token": CSRF_TOKEN, "Content-Type": "application/json"},
    f"""{_NEW_ID}
local body = '{{"note": "' .. string.rep("x", 178) .. '", "n": 1}}'
request = function()
  new_id()
  return wrk.format("POST", "/demo/resource" .. count % 20, nil, body)
end
""",
)
MANY_USERS = Traffic(
    f"{USERS} users behind a proxy that traces, mixed",
    lua=f"""{_NEW_ID}
request = function()
  new_id()
  local user = count % {USERS}
  wrk.headers["Cookie"] = string.format("_barong_session=%032d", user)
  wrk.headers["X-Forwarded-For"] = "127.0.7." .. user + 1
  wrk.headers["X-Forwarded-Proto"] = "https"
  wrk.headers["traceparent"] = string.format("00-%032x-%016x-01", count, count * 7919)
  return wrk.format(nil, {_MIXED_PATH})
end
""",
)
