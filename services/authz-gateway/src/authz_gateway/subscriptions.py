"""What the gateway does when it hears of something."""

from dataclasses import dataclass

from authz_gateway.authn.api_keys import ApiKeyCache
from authz_gateway.authn.sessions import SessionCache
from authz_gateway.authz.policy import CurrentPolicy
from authz_gateway.upstream.websocket import WebSockets
from shared.contracts.events import ReceivedEvent

PATTERNS = (
    "model.api_key.*",
    "model.permission.*",
    "model.restriction.*",
    "model.user.updated",
    "system.session.revoked",
    "system.user.password.*",
)


@dataclass(frozen=True, slots=True)
class Hearing:
    """Keeps policy, sessions and API keys true, and WebSockets to those who may have them."""

    policy: CurrentPolicy
    sessions: SessionCache
    api_keys: ApiKeyCache
    websockets: WebSockets

    async def heard(self, event: ReceivedEvent) -> None:
        """Forgets what the event changed."""
        match event.name.split("."):
            case ["model", "permission" | "restriction", _]:
                self.policy.changed()
            case ["model", "user", "updated"]:
                self.sessions.forget_user(event.record["uid"])
                self.api_keys.forget_user(event.record["uid"])
            case ["model", "api_key", _]:
                self.api_keys.forget_key(event.record["kid"])
            case ["system", "session", "revoked"] if sid := event.record.get("sid"):
                self.sessions.forget_session(sid)
            case ["system", "session" | "user", *_]:
                self.sessions.forget_user(event.record["user"]["uid"])
        user = event.record.get("user", event.record)
        if uid := user.get("uid"):
            self.websockets.review_user(uid)

    async def missed(self) -> None:
        """Forgets whatever an event might have changed."""
        self.policy.changed()
        self.sessions.forget_everything()
        self.api_keys.forget_everything()
        self.websockets.review_all()
