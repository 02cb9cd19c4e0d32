"""Mails as they are sent, RFC 5322 and MIME."""

import re
from datetime import datetime
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage

from mailer_svc.mail.models import Content, RecipientRefusedError

_MAILBOX = re.compile(r'[^\s\x00-\x1f\x7f<>()\[\]\\,;:"@]+@[^\s\x00-\x1f\x7f<>()\[\]\\,;:"@]+')


def compose(
    content: Content, *, sender: Address, recipient: str, message_id: str, now: datetime
) -> EmailMessage:
    """The mail to one recipient; raises `RecipientRefusedError` for an invalid address.

    `message_id` is the same whenever this mail of this event is sent, so that a mail that arrives
    twice is known to be the same.
    """
    if not _MAILBOX.fullmatch(recipient):
        raise RecipientRefusedError("not an e-mail address")
    name, _, domain = recipient.partition("@")
    message = EmailMessage(policy=policy.SMTP)
    message["Subject"] = content.subject
    message["From"] = sender
    message["To"] = Address(username=name, domain=domain)
    message["Date"] = now
    message["Message-ID"] = f"<{message_id}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(content.text, cte="quoted-printable")
    message.add_alternative(content.html, subtype="html", cte="quoted-printable")
    return message
