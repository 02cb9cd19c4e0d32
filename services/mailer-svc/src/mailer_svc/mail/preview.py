"""Shows mails of sample events, without sending any."""

import sys
from email import policy
from email.message import EmailMessage
from pathlib import Path

from mailer_svc.mail.models import Mail
from mailer_svc.mail.samples import NOW, samples
from mailer_svc.mail.use_cases import Composer, build_composer
from mailer_svc.settings import MailerSettings
from shared.command_line import CommandFailed

FORMATS = ("text", "html", "eml")
_ENDINGS = {"text": "txt", "html": "html", "eml": "eml"}


def preview(
    settings: MailerSettings,
    *,
    name: str | None,
    language: str | None,
    shape: str | None,
    folder: str | None,
) -> None:
    """Prints the mail `name`, or writes it, or without a name all mails, into `folder`.

    Without a language it takes the default one, or all languages for a folder; without a shape it
    prints the text, or writes all shapes. Raises `CommandFailed`, or `SettingsError` for every
    fault in mailer.yaml and in the templates.
    """
    mails, composer = build_composer(settings)
    if shape is not None and shape not in FORMATS:
        raise CommandFailed(f"{shape} is none of {', '.join(FORMATS)}")
    chosen = [mail for mail in mails if name in (None, mail.name)]
    if not chosen:
        raise CommandFailed(f"no mail {name}; there are {', '.join(m.name for m in mails)}")
    if folder is None and len(chosen) > 1:
        raise CommandFailed("say which mail with --mail, or give a folder for all with --out")
    count = 0
    for mail in chosen:
        available = composer.templates.languages(mail)
        if language is not None and language not in available:
            raise CommandFailed(f"{mail.name} is not there in {language}: {', '.join(available)}")
        if folder is None:
            message = _message(composer, mail, language or settings.default_language)
            sys.stdout.write(_shown(message, shape or "text"))
            return
        for each in [language] if language else available:
            message = _message(composer, mail, each)
            for form in [shape] if shape else FORMATS:
                file = Path(folder) / each / f"{mail.name}.{_ENDINGS[form]}"
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(_shown(message, form), "utf-8")
                count += 1
    sys.stdout.write(f"{count} files are in {folder}\n")


def _message(composer: Composer, mail: Mail, language: str) -> EmailMessage:
    return composer.compose(mail, samples(mail)[-1], language, NOW)


def _shown(message: EmailMessage, shape: str) -> str:
    if shape == "eml":
        return message.as_bytes(policy=policy.SMTP).decode()
    body = message.get_body(("html",) if shape == "html" else ("plain",))
    content = str(body.get_content()) if body is not None else ""
    content = content.replace("\r\n", "\n")
    return content if shape == "html" else f"{message['Subject']}\n\n{content}"
