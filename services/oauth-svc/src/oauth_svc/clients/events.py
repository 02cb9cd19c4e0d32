"""The events of clients."""

from oauth_svc.clients.models import RegisteredClient
from shared.contracts.catalogue import OAUTH_CLIENTS
from shared.contracts.events import Event
from shared.contracts.records import OAuthClientRecord
from shared.values.timestamps import seconds


def created(registered: RegisteredClient) -> Event:
    """An administrator registered a client."""
    return OAUTH_CLIENTS["created"].event(_record(registered))


def updated(before: RegisteredClient, after: RegisteredClient) -> Event:
    """A client was changed; the event has the old values of what changed."""
    old, new = _record(before).published(), _record(after).published()
    changes = {name: value for name, value in old.items() if new.get(name) != value}
    return OAUTH_CLIENTS["updated"].event(_record(after), changes=changes)


def deleted(registered: RegisteredClient) -> Event:
    """A client was deleted."""
    return OAUTH_CLIENTS["deleted"].event(_record(registered))


def _record(registered: RegisteredClient) -> OAuthClientRecord:
    client = registered.client
    return OAuthClientRecord(
        client_id=client.client_id,
        name=client.name,
        authentication=client.authentication,
        first_party=client.first_party,
        created_at=seconds(registered.created_at),
        updated_at=seconds(registered.updated_at),
    )
