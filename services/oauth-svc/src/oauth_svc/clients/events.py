"""The events of clients, by which admin-svc records the changes in the audit trail."""

from joserfc.jwk import KeySet

from oauth_svc.clients.models import Actor, RegisteredClient
from shared.contracts.catalogue import OAUTH_CLIENTS
from shared.contracts.events import Event
from shared.contracts.records import OAuthClientRecord
from shared.values.timestamps import seconds

_HAPPENED = {"secret_rotated": "updated"}


def changed(
    registered: RegisteredClient,
    action: str,
    actor: Actor,
    before: RegisteredClient | None = None,
) -> Event:
    """Somebody changed a client. `before` is the client before an update, whose event has the old
    values of what changed."""
    record = _record(registered, action, actor)
    changes = None
    if before is not None:
        old, new = _record(before, action, actor).published(), record.published()
        changes = {name: value for name, value in old.items() if new[name] != value}
    return OAUTH_CLIENTS[_HAPPENED.get(action, action)].event(record, changes=changes)


def _record(registered: RegisteredClient, action: str, actor: Actor) -> OAuthClientRecord:
    client = registered.client
    return OAuthClientRecord(
        client_id=client.client_id,
        name=client.name,
        authentication=client.authentication,
        first_party=client.first_party,
        created_at=seconds(registered.created_at),
        updated_at=seconds(registered.updated_at),
        registered_by=client.registered_by,
        redirect_uris=list(client.redirect_uris),
        post_logout_redirect_uris=list(client.post_logout_redirect_uris),
        grant_types=list(client.grant_types),
        scopes=list(client.scopes),
        resources=list(client.resources),
        exchange_resources=list(client.exchange_resources),
        keys=[] if client.jwks is None else _thumbprints(client.jwks["keys"]),
        keys_uri=client.jwks_uri,
        backchannel_logout_uri=client.backchannel_logout_uri,
        access_seconds=client.access_token_seconds,
        refresh_seconds=client.refresh_token_seconds,
        dpop_bound=client.dpop_bound_access_tokens,
        action=action,
        author_uid=actor.uid,
        author_role=actor.role,
    )


def _thumbprints(keys: list[dict[str, str | list[str]]]) -> list[str]:
    return [key.thumbprint() for key in KeySet.import_key_set({"keys": keys}).keys]
