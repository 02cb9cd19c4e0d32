"""The events of changes of addresses."""

from shared.contracts.catalogue import EMAIL_CHANGE_TOKEN, EMAIL_REVERSAL_TOKEN
from shared.contracts.events import Event
from shared.contracts.records import EmailTokenRecord
from shared.contracts.users import User


def change_token(user: User, domain: str, new: str, token: str) -> Event:
    """The event for a mail with this token to the new address."""
    record = EmailTokenRecord(user=user.to_event(), domain=domain, recipient=new, token=token)
    return EMAIL_CHANGE_TOKEN.event(record, snapshot=user.to_internal())


def reversal_token(user: User, domain: str, old: str, token: str) -> Event:
    """The event for a mail with this token to the address that the user had before."""
    record = EmailTokenRecord(user=user.to_event(), domain=domain, recipient=old, token=token)
    return EMAIL_REVERSAL_TOKEN.event(record, snapshot=user.to_internal())
