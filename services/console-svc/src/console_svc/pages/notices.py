"""What a page says after a change: the address names one of these, never a text."""

from collections.abc import Mapping

from console_svc.pages.texts import marked

NOTICES: Mapping[str, str] = {
    "": "",
    "signed_up": marked("Welcome. We sent you a mail: open its link to confirm your address."),
    "confirmed": marked("Your address is confirmed."),
    "confirmation_sent": marked("If this address needs a confirmation, the mail is on its way."),
    "logged_in": marked("You are logged in."),
    "verified": marked("Thank you. Now you can do it."),
    "logged_out": marked("You are logged out."),
    "reset_sent": marked("If there is an account with this address, the mail is on its way."),
    "log_in_mail_sent": marked("If there is an account with this address, the mail is on its way."),
    "password_reset": marked("Your password is changed. Log in with the new one."),
    "password_changed": marked("Your password is changed. Your other sessions have ended."),
    "email_change_sent": marked("We sent a mail to the new address: open its link."),
    "email_changed": marked("Your e-mail address is changed. Log in with the new one."),
    "email_reversed": marked("Your old address is back. Ask for a mail to choose a new password."),
    "profile_saved": marked("Your profile is saved as a draft."),
    "profile_submitted": marked("Your profile is submitted for review."),
    "phone_added": marked("We sent a code to this phone."),
    "code_sent": marked("We sent another code."),
    "phone_verified": marked("Your phone is verified."),
    "phone_removed": marked("The phone is removed."),
    "document_uploaded": marked("Your document is uploaded. We will look at it."),
    "otp_enabled": marked("Your second factor is on. Your other sessions have ended."),
    "otp_disabled": marked("Your second factor is off. Your API keys are inactive."),
    "passkey_added": marked("Your passkey is added."),
    "passkey_renamed": marked("Your passkey has another name."),
    "passkey_removed": marked("The passkey is deleted. Delete it on your device, too."),
    "account_linked": marked("The account is linked. You can log in by it from now on."),
    "account_unlinked": marked("The link is ended."),
    "consent_revoked": marked("The application may not see or do anything for you any more."),
    "device_ended": marked("This browser is asked for codes again."),
    "session_ended": marked("The session has ended."),
    "sessions_ended": marked("All other sessions have ended."),
    "key_changed": marked("The API key is changed."),
    "key_deleted": marked("The API key is deleted."),
    "user_changed": marked("The user is changed."),
    "user_email_changed": marked(
        "The e-mail address is changed, and all sessions have ended. The old address is told."
    ),
    "user_sessions_ended": marked("All sessions of the user have ended."),
    "judged": marked("Your verdict is recorded."),
    "rule_added": marked("The permission is added."),
    "rule_removed": marked("The permission is removed."),
    "restriction_added": marked("The restriction is added."),
    "restriction_changed": marked("The restriction is changed."),
    "restriction_removed": marked("The restriction is removed."),
    "endpoint_changed": marked("The endpoint is changed."),
    "endpoint_removed": marked("The endpoint is removed."),
    "delivery_resent": marked("The delivery is sent again."),
    "letters_replayed": marked("The service gets the events again."),
    "letter_dropped": marked("The events are dropped."),
    "account_deleted": marked("Your account is deleted."),
}


def of(name: str) -> str:
    """The text of a notice, blank for an unknown name."""
    return NOTICES.get(name, "")
