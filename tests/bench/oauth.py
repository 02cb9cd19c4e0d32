"""How fast the OAuth provider is, beside its signatures, a plain handler, and calls of sessions.

Everything goes through the gateway, which is compiled as in its image, as all calls of clients do.
A code flow is two calls: the browser's, with a living session and a consent that was given, and the
client's, which gets an access token, an ID token and a refresh token for the code.
"""

import base64
import http.client
import json
import os
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import parse_qs, urlencode, urlsplit

import psutil

from tests.bench.installed import Bench, helper, installed, output_of
from tests.bench.member import Member, member_of, post, superadmin_of
from tests.bench.row import Row
from tests.bench.users_me import (
    PRODUCTION,
    cpu_seconds,
    plain_handler,
    postgres_of,
    with_compiled_gateway,
)
from tests.bench.wrk_load import saturating
from tests.support.relying_party import CHALLENGE, REDIRECT_URI, VERIFIER

ROUNDS = 3
SECONDS = 3
CONNECTIONS = 16
SIGNATURES = 2
OF_SIGNATURES = 0.1
OF_PLAIN = 0.1
OF_SESSIONS = 0.9
"""As fast, but for noise."""
SCOPE = "openid offline_access resource"
RESOURCE = "/api/v2/barong/resource/users/me"
DECISION = "/api/v2/auth/resource/users/me"

_FORM = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "client"}
# A connection sends the next code that came to any of them, or asks for another one.
_CODE_FLOW = """
local codes = {{}}
request = function()
  local code = table.remove(codes)
  if code == nil then return wrk.format("GET", "{authorize}", {browser}) end
  return wrk.format("POST", "/oauth/token", {client}, "{form}&code=" .. code)
end
response = function(status, headers, body)
  if status == 303 then
    codes[#codes + 1] = headers["Location"]:match("[?&]code=([^&]+)") or error("no code")
  elseif not body:find("refresh_token", 1, true) then
    error(body)
  end
end
"""
_REFRESH = """
local tokens = {{{tokens}}}
request = function()
  local form = "grant_type=refresh_token&refresh_token=" .. table.remove(tokens, 1)
  return wrk.format("POST", "/oauth/token", {client}, form)
end
response = function(status, headers, body)
  tokens[#tokens + 1] = body:match('"refresh_token": ?"([^"]+)"') or error(body)
end
"""
_INTROSPECTION = """
wrk.method, wrk.body = "POST", "token={token}"
response = function(status, headers, body)
  if not body:find('"active": ?true') then error(body) end
end
"""


@dataclass(frozen=True, slots=True)
class Party:
    """A confidential client that a member has consented to."""

    bench: Bench
    member: Member
    client_id: str
    secret: str

    @property
    def at_token_endpoint(self) -> dict[str, str]:
        """The headers of the client's calls."""
        basic = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        return {**_FORM, "Authorization": f"Basic {basic}"}

    @property
    def authorize(self) -> str:
        """Where the member's browser goes."""
        parameters = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": REDIRECT_URI,
            "scope": SCOPE,
            "state": "state",
            "nonce": "nonce",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        return f"/oauth/authorize?{urlencode(parameters)}"

    @property
    def exchange(self) -> dict[str, str]:
        """What the client sends with a code."""
        return {
            "grant_type": "authorization_code",
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
        }

    def answer(self) -> dict[str, str]:
        """The parameters of the redirect with which the browser comes back."""
        client = http.client.HTTPConnection("127.0.0.1", self.bench.system.public["gateway"])
        client.request("GET", self.authorize, headers=self.member.at_gateway)
        location = client.getresponse().headers["Location"]
        return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}

    def tokens(self) -> dict[str, str]:
        """Tokens of a new code flow."""
        form = {**self.exchange, "code": self.answer()["code"]}
        _, tokens = post(self.bench, "/oauth/token", form, self.at_token_endpoint)
        return dict(tokens)


@dataclass(slots=True)
class Measured:
    """A kind of call, round after round: calls a second, and CPU time of each part a call."""

    name: str
    run: Callable[[], float]
    """Returns how many there were a second."""
    rates: list[float] = field(default_factory=list)
    costs: list[Mapping[str, float]] = field(default_factory=list)

    def measure(self, parts: Mapping[str, Sequence[psutil.Process]]) -> None:
        """One round."""
        before = {name: cpu_seconds(processes) for name, processes in parts.items()}
        rate = self.run()
        self.rates.append(rate)
        self.costs.append(
            {
                name: (cpu_seconds(processes) - before[name]) / (rate * SECONDS) * 1e6
                for name, processes in parts.items()
            }
        )

    @property
    def rate(self) -> float:
        return statistics.median(self.rates)

    @property
    def busiest(self) -> float:
        """How many there were in a second of the busiest part's processor time."""
        longest = [max(each.values()) for each in self.costs]
        return 1e6 / statistics.median(longest)

    def of(self, other: "Measured") -> float:
        """How much of the other's rate, in the median round: what slows one slows both."""
        both = zip(self.rates, other.rates, strict=True)
        return statistics.median(ours / theirs for ours, theirs in both)

    def rows(self) -> Iterator[Row]:
        """Without limits."""
        yield Row(self.name, self.rate, "/s")
        for part in self.costs[0]:
            cost = statistics.median(each[part] for each in self.costs)
            yield Row(f"{self.name}: CPU of {part}", cost, "µs")


def rows() -> Iterator[Row]:
    """The medians of rounds. All services, PostgreSQL, RabbitMQ and wrk share the cores."""
    core = max(os.sched_getaffinity(0))
    with installed(**PRODUCTION) as made, ExitStack() as stack:
        bench = with_compiled_gateway(made)
        processes = {name: stack.enter_context(bench.process(name)) for name in bench.system.public}
        for name in processes:
            bench.wait(name)
        party = _registered(bench)
        token = party.tokens()["access_token"]
        _, shown = post(bench, "/oauth/introspect", {"token": token}, party.at_token_endpoint)
        plain_url, handler = stack.enter_context(plain_handler(len(json.dumps(shown))))

        def signatures() -> float:
            return float(output_of(helper("signatures_alone", core))) / SIGNATURES

        session, client = party.member.at_gateway, _bearer(token)
        signed = Measured("two RS256 signatures alone, on one core", signatures)
        plain = Measured("plain aiohttp handler", partial(_calls, plain_url, {}))
        flow = Measured("code flow", partial(_code_flows, party))
        refresh = Measured("refresh", partial(_refreshes, party))
        introspection = Measured("introspection", partial(_introspections, party, token))
        decision, resource = (bench.system.gateway_url + path for path in (DECISION, RESOURCE))
        decided = Measured("the decision alone, session", partial(_calls, decision, session))
        decided_too = Measured("the decision alone, token", partial(_calls, decision, client))
        called = Measured("users/me, session", partial(_calls, resource, session))
        called_too = Measured("users/me, token", partial(_calls, resource, client))
        parts = {
            **{f"{name}-svc": [processes[name]] for name in ("oauth", "identity")},
            "the gateway": [processes["gateway"]],
            "PostgreSQL": postgres_of(bench.folder),
        }
        ours = (flow, refresh, introspection, decided, decided_too, called, called_too)
        for _ in range(ROUNDS):
            signed.measure({})  # its rate is one of processor time already
            plain.measure({"its process": [handler]})
            for each in ours:
                each.measure(parts)
    for each in (signed, plain, *ours):
        yield from each.rows()
    for one, other, limit in (
        (flow, signed, OF_SIGNATURES),
        (refresh, signed, OF_SIGNATURES),
        (introspection, plain, OF_PLAIN),
        (decided_too, decided, OF_SESSIONS),
        (called_too, called, OF_SESSIONS),
    ):
        yield Row(f"{one.name}, of {other.name}", one.of(other), "", limit, "at least")
    # What other programs take from the cores does not count here.
    busy = "in a second of the busiest part"
    for one, alone, limit in (
        (flow, signed.rate, OF_SIGNATURES),
        (refresh, signed.rate, OF_SIGNATURES),
        (introspection, plain.busiest, OF_PLAIN),
        (decided_too, decided.busiest, OF_SESSIONS),
    ):
        yield Row(f"{one.name}, {busy}, of the same", one.busiest / alone, "", limit, "at least")


def _registered(bench: Bench) -> Party:
    """A new client, with the consent of a new member."""
    admin, member = superadmin_of(bench), member_of(bench)
    form = {"name": "Bench", "redirect_uris": REDIRECT_URI, "scopes": SCOPE.replace(" ", ",")}
    _, made = post(bench, "admin/oauth_clients", form, admin.proof)
    party = Party(bench, member, made["client_id"], made["client_secret"])
    challenge = party.answer()["consent_challenge"]
    consent = {"kind": "consent", "action": "accept"}
    post(bench, f"identity/oauth/challenges/{challenge}", consent, member.proof)
    return party


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "User-Agent": "client"}


def _calls(url: str, headers: Mapping[str, str], lua: str = "") -> float:
    return saturating(url, headers, SECONDS, CONNECTIONS, lua).rate


def _code_flows(party: Party) -> float:
    lua = _CODE_FLOW.format(
        authorize=party.authorize,
        browser=_table(party.member.at_gateway),
        client=_table(party.at_token_endpoint),
        form=urlencode(party.exchange),
    )
    return _calls(party.bench.system.gateway_url, {}, lua) / 2


def _refreshes(party: Party) -> float:
    # wrk asks for one request more than it sends.
    tokens = [party.tokens()["refresh_token"] for _ in range(CONNECTIONS + 1)]
    listed = ", ".join(f'"{token}"' for token in tokens)
    lua = _REFRESH.format(tokens=listed, client=_table(party.at_token_endpoint))
    return _calls(party.bench.system.gateway_url, {}, lua)


def _introspections(party: Party, token: str) -> float:
    url = f"{party.bench.system.gateway_url}/oauth/introspect"
    return _calls(url, party.at_token_endpoint, _INTROSPECTION.format(token=token))


def _table(headers: Mapping[str, str]) -> str:
    """A table in Lua."""
    return "{" + ", ".join(f'["{name}"] = "{value}"' for name, value in headers.items()) + "}"
