"""What clients send: the traffic that the gateway is measured with, each kind for wrk."""

from collections.abc import Mapping
from dataclasses import dataclass, field

USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Safari/537.36"
)
CSRF_TOKEN = "csrf"
API_SECRET = "secret of all API keys"
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

# HMAC-SHA-256 (RFC 2104, FIPS 180-4) of a text of less than 56 bytes under `secret`: the state
# after the block of the padded secret is computed once, so each text costs two blocks.
_HMAC = r"""
local band, bnot, bxor, ror, shr = bit.band, bit.bnot, bit.bxor, bit.ror, bit.rshift
local function fraction(x) return bit.tobit(math.floor((x - math.floor(x)) * 2^32)) end
local constants, initial, n = {}, {}, 2
while #constants < 64 do
  local prime = true
  for d = 2, math.sqrt(n) do if n % d == 0 then prime = false break end end
  if prime then
    constants[#constants + 1] = fraction(n^(1/3))
    if #initial < 8 then initial[#initial + 1] = fraction(math.sqrt(n)) end
  end
  n = n + 1
end
local w = {}
local function block(from, text)
  for i = 1, 16 do
    local a, b, c, d = text:byte(4 * i - 3, 4 * i)
    w[i] = bit.bor(bit.lshift(a, 24), bit.lshift(b, 16), bit.lshift(c, 8), d)
  end
  for i = 17, 64 do
    local x, y = w[i - 15], w[i - 2]
    w[i] = bit.tobit(w[i - 16] + bxor(ror(x, 7), ror(x, 18), shr(x, 3)) + w[i - 7]
      + bxor(ror(y, 17), ror(y, 19), shr(y, 10)))
  end
  local a, b, c, d, e, f, g, h = unpack(from)
  for i = 1, 64 do
    local t = h + bxor(ror(e, 6), ror(e, 11), ror(e, 25)) + bxor(band(e, f), band(bnot(e), g))
      + constants[i] + w[i]
    local u = bxor(ror(a, 2), ror(a, 13), ror(a, 22)) + bxor(band(a, b), band(a, c), band(b, c))
    a, b, c, d, e, f, g, h = bit.tobit(t + u), a, b, c, bit.tobit(d + t), e, f, g
  end
  local state = {a, b, c, d, e, f, g, h}
  for i = 1, 8 do state[i] = bit.tobit(state[i] + from[i]) end
  return state
end
local function last(text)  -- with the padding; 64 bytes were hashed before
  local bits = (64 + #text) * 8
  local length = string.char(0, 0, 0, 0, 0, 0, math.floor(bits / 256), bits % 256)
  return text .. "\128" .. string.rep("\0", 55 - #text) .. length
end
local function padded(value)
  return (secret .. string.rep("\0", 64 - #secret)):gsub(".", function(each)
    return string.char(bxor(each:byte(), value))
  end)
end
local inner, outer = block(initial, padded(0x36)), block(initial, padded(0x5c))
local function hmac(text)
  local digest = {}
  for i, word in ipairs(block(inner, last(text))) do
    for shift = 24, 0, -8 do
      digest[#digest + 1] = string.char(band(shr(word, shift), 255))
    end
  end
  local hex = {}
  for i, word in ipairs(block(outer, last(table.concat(digest)))) do hex[i] = bit.tohex(word) end
  return table.concat(hex)
end
"""
SIGNED = Traffic(
    "signed with API keys (HMAC and nonce), mixed",
    {"User-Agent": "program/1.0"},
    # A nonce is a moment that a key has not used: fifty keys go back from now, a millisecond each.
    f"""local secret = "{API_SECRET}"
{_HMAC}
{_NEW_ID}
local now = os.time() * 1000
request = function()
  new_id()
  local kid = string.format("key%013d", count % {USERS})
  local nonce = string.format("%d", now - math.floor(count / {USERS}))
  wrk.headers["X-Auth-Apikey"] = kid
  wrk.headers["X-Auth-Nonce"] = nonce
  wrk.headers["X-Auth-Signature"] = hmac(nonce .. kid)
  return wrk.format(nil, {_MIXED_PATH})
end
""",
)
