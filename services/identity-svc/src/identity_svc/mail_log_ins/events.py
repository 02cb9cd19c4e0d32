"""The event of a log-in by mail."""

from identity_svc.mail_log_ins.models import MailedSecrets
from shared.contracts.activities import Client
from shared.contracts.catalogue import MAIL_LOG_IN_TOKEN
from shared.contracts.events import Event
from shared.contracts.records import LogInTokenRecord
from shared.contracts.users import User


def mail_log_in_token(user: User, domain: str, mailed: MailedSecrets, client: Client) -> Event:
    """The event for a mail with this link and code, for which `client` asked."""
    record = LogInTokenRecord(
        user=user.to_event(),
        domain=domain,
        token=mailed.token,
        code=mailed.code,
        user_ip=str(client.ip),
        user_agent=client.user_agent,
    )
    return MAIL_LOG_IN_TOKEN.event(record, snapshot=user.to_internal())
