"""What the codes of the API's refusals mean, as sentences for people."""

from collections.abc import Mapping

from console_svc.pages.api import ApiRefusal
from console_svc.pages.languages import Language
from console_svc.pages.texts import marked

SENTENCES: Mapping[str, str] = {
    # Ours.
    "console.foreign_form": marked(
        "This form is too old, or it was not sent from this page. Open the page again and repeat."
    ),
    "console.no_page": marked("There is no such page."),
    "console.busy": marked("Too many files are being uploaded. Please try again in a moment."),
    "console.no_passkey": marked(
        "Your browser gave no passkey. Try again, or use another way. Does this device have one "
        "for this page already?"
    ),
    # Logging in for an application of others.
    "oauth.challenge.doesnt_exist": marked(
        "The application's request has expired, or was answered already. Go back to the "
        "application, and try again."
    ),
    # The gateway and all services.
    "server.unavailable": marked("Part of the system is down. Please try again in a moment."),
    "server.internal_error": marked("Something went wrong on our side. Please try again."),
    "request.throttled": marked("Too many attempts. Please wait a moment, then try again."),
    "request.malformed": marked("The server could not read what was sent."),
    "request.too_large": marked("What you sent is too large."),
    "invalid": marked("A value is not valid."),
    "record.not_found": marked("There is no such record."),
    "authz.invalid_session": marked("Your session has ended. Please log in again."),
    "authz.client_session_mismatch": marked("Your session has ended. Please log in again."),
    "authz.insufficient_user_authentication": marked("Please prove once more who you are."),
    "authz.user_not_active": marked("Your account is not active."),
    "authz.invalid_permission": marked("Your role may not do this."),
    "authz.permission_denied": marked("Your role may not do this."),
    "authz.csrf_token_mismatch": marked(
        "This form is too old, or it was not sent from this page. Open the page again and repeat."
    ),
    "authz.missing_csrf_token": marked(
        "This form is too old, or it was not sent from this page. Open the page again and repeat."
    ),
    "authz.restrict.maintenance": marked("We are working on the system. Please come back later."),
    "authz.restrict.blacklist": marked("Calls from your address or country are not allowed."),
    "authz.restrict.whitelist": marked("Calls from your address or country are not allowed."),
    # Signing up, confirming and logging in.
    "email.taken": marked("There is an account with this e-mail address already."),
    "email.invalid": marked("This is not an e-mail address."),
    "email.no_change": marked("This is your address already."),
    "email.not_confirmed": marked("Confirm the address of your account first."),
    "password.requirements": marked("The password does not meet the requirements."),
    "password.weak": marked("The password is too easy to guess. Choose a longer one."),
    "password.too_long": marked("The password is too long."),
    "identity.user.missing_email": marked("Enter your e-mail address."),
    "identity.user.empty_email": marked("Enter your e-mail address."),
    "identity.user.missing_password": marked("Enter a password."),
    "identity.user.empty_password": marked("Enter a password."),
    "identity.user.missing_confirm_password": marked("Enter the password a second time."),
    "identity.user.empty_confirm_password": marked("Enter the password a second time."),
    "identity.user.passwords_doesnt_match": marked("The two passwords differ."),
    "identity.user.invalid_referral_format": marked("The referral code is not valid."),
    "identity.user.referral_doesnt_exist": marked("Nobody has this referral code."),
    "identity.user.active_or_doesnt_exist": marked(
        "The account is confirmed already, or there is none."
    ),
    "identity.user.utilized_token": marked("This link was used already. Ask for a new one."),
    "identity.user.missing_token": marked("The link is incomplete. Open it from the mail again."),
    "identity.user.empty_token": marked("The link is incomplete. Open it from the mail again."),
    "identity.user.missing_pass_token": marked(
        "The link is incomplete. Open it from the mail again."
    ),
    "identity.user.empty_reset_password_token": marked(
        "The link is incomplete. Open it from the mail again."
    ),
    "identity.user.access.invalid_token": marked(
        "This link does not work any more. Ask for a new one."
    ),
    "identity.user.missing_whitelink_token": marked(
        "The link is incomplete. Open it as you got it again."
    ),
    "identity.user.empty_whitelink_token": marked(
        "The link is incomplete. Open it as you got it again."
    ),
    "jwt.decode_and_verify": marked("This link does not work any more. Ask for a new one."),
    "identity.session.invalid_params": marked("The e-mail address or the password is wrong."),
    "identity.session.missing_email": marked("Enter your e-mail address."),
    "identity.session.missing_password": marked("Enter your password."),
    "identity.session.missing_otp": marked("Enter the code of your authenticator app, too."),
    "identity.session.invalid_otp": marked("The code of your authenticator app is wrong."),
    "identity.session.banned": marked("Your account is banned. Please contact support."),
    "identity.session.deleted": marked("Your account is deleted."),
    "identity.session.not_active": marked("Your account is not active. Please contact support."),
    "identity.session.not_found": marked("Your session has ended. Please log in again."),
    "identity.captcha.required": marked("Please solve the captcha."),
    "identity.captcha.mandatory_fields": marked("Please solve the captcha."),
    "identity.captcha.verification_failed": marked("The captcha was not solved. Please try again."),
    "resource.session.missing_credentials": marked("Enter your password or a code."),
    "resource.session.invalid_password": marked("The password is wrong."),
    "resource.session.missing_otp": marked("Enter the code of your authenticator app."),
    "resource.session.invalid_otp": marked("This code is wrong, or it was used already."),
    "totp.error": marked("This code was used already. Wait for the next one."),
    # Other providers.
    "log_in_provider.doesnt_exist": marked("There is no such provider."),
    "log_in_provider.unavailable": marked(
        "The provider does not answer. Please try again in a moment, or log in in another way."
    ),
    "log_in_provider.denied": marked("You did not allow the log-in at the provider."),
    "log_in_provider.refused": marked("The provider refused the log-in. Please try again."),
    "log_in_provider.wrong_issuer": marked("This answer is from another provider."),
    "log_in_provider.invalid_token": marked(
        "What the provider answered cannot be trusted. Nothing was done."
    ),
    "log_in_provider.invalid": marked(
        "This log-in is too old, was used already, or began in another browser. Please begin again."
    ),
    "log_in_provider.email_not_verified": marked(
        "You have no account here that is linked to the provider, and the provider did not verify "
        "your e-mail address. Log in in another way, and link the account in your account."
    ),
    "log_in_provider.account_not_confirmed": marked(
        "Your account here is not confirmed. We sent you a mail: open its link first."
    ),
    "log_in_provider.not_linked": marked(
        "You have an account here that is not linked. Log in in another way, and link it in your "
        "account."
    ),
    "log_in_provider.no_account": marked("You have no account here. Please sign up first."),
    "resource.linked_account.taken": marked("This account is linked already."),
    "resource.linked_account.too_many": marked("You have linked as many accounts as you may."),
    "resource.linked_account.doesnt_exist": marked("This account is not linked."),
    # Passwords.
    "resource.password.doesnt_match": marked("The two passwords differ."),
    "resource.password.no_change_provided": marked("The new password is the old one."),
    "resource.password.prev_pass_not_correct": marked("The current password is wrong."),
    "resource.user.missing_old_password": marked("Enter your current password."),
    "resource.user.empty_old_password": marked("Enter your current password."),
    "resource.user.missing_new_password": marked("Enter a new password."),
    "resource.user.empty_new_password": marked("Enter a new password."),
    "resource.user.missing_confirm_password": marked("Enter the password a second time."),
    "resource.user.empty_confirm_password": marked("Enter the password a second time."),
    # Profiles.
    "first_name.invalid": marked("The first name is not valid."),
    "first_name.too_long": marked("The first name is too long."),
    "last_name.invalid": marked("The last name is not valid."),
    "last_name.too_long": marked("The last name is too long."),
    "dob.invalid": marked("The date of birth is not valid."),
    "address.invalid": marked("The address is not valid."),
    "address.too_long": marked("The address is too long."),
    "postcode.invalid": marked("The postcode is not valid."),
    "postcode.too_long": marked("The postcode is too long."),
    "postcode.too_short": marked("The postcode is too short."),
    "city.invalid": marked("The city is not valid."),
    "city.too_long": marked("The city is too long."),
    "country.must have alpha2 or alpha3 format": marked(
        "The country is a code of two or three letters, such as DE or DEU."
    ),
    "state.exists": marked("You have a profile already."),
    "resource.profile.doesnt_exist_or_not_editable": marked(
        "Your profile is submitted, and cannot be changed now."
    ),
    "resource.profile.not_exist": marked("You have no profile yet."),
    # Phones.
    "resource.phone.missing_phone_number": marked("Enter a phone number."),
    "resource.phone.empty_phone_number": marked("Enter a phone number."),
    "resource.phone.invalid_num": marked(
        "This is not a phone number. Begin with + and the code of the country."
    ),
    "resource.phone.num_not_valid": marked(
        "This is not a phone number. Begin with + and the code of the country."
    ),
    "resource.phone.number_exist": marked("Somebody else has this phone number."),
    "resource.phone.exists": marked("You have this phone already."),
    "resource.phone.doesnt_exist": marked("You have no such phone."),
    "resource.phone.limit_reached": marked("You have as many phones as you may have."),
    "resource.phone.ceiling_reached": marked("Too many codes were sent. Please try again later."),
    "resource.phone.country_not_allowed": marked("Phones of this country are not accepted."),
    "resource.phone.kind_not_allowed": marked("This kind of phone number is not accepted."),
    "resource.phone.invalid_channel": marked("The code cannot be sent in this way."),
    "resource.phone.num_not_reachable": marked("The code could not be delivered to this phone."),
    "resource.phone.sms_content_invalid": marked("The code could not be delivered to this phone."),
    "resource.phone.twilio_unexpected": marked("The code could not be delivered to this phone."),
    "resource.phone.unsubscribed_recipient": marked("This phone does not accept our messages."),
    "resource.phone.missing_verification_code": marked("Enter the code from the message."),
    "resource.phone.empty_verification_code": marked("Enter the code from the message."),
    "resource.phone.verification_invalid": marked("The code is wrong or too old."),
    # Documents.
    "resource.document.missing_doc_type": marked("Choose the type of the document."),
    "resource.document.empty_doc_type": marked("Choose the type of the document."),
    "resource.document.missing_doc_number": marked("Enter the number of the document."),
    "resource.document.empty_doc_number": marked("Enter the number of the document."),
    "resource.document.missing_upload": marked("Choose a file."),
    "resource.documents.already_expired": marked("The document has expired."),
    "resource.documents.expire_not_a_date": marked("The expiry date is not a date."),
    "resource.documents.invalid_format": marked("The expiry date is missing."),
    "resource.documents.limit_will_be_reached": marked("You have uploaded too many documents."),
    "doc_type.inclusion": marked("Documents of this type are not accepted."),
    "doc_number.invalid": marked("The number of the document is not valid."),
    "doc_number.too_long": marked("The number of the document is too long."),
    "upload": marked("The file is empty, too large, or of a type that is not accepted."),
    "upload.blank": marked("Choose a file."),
    "upload.content_mismatch": marked("The file is not what its name says."),
    # Passkeys.
    "mail_log_in.off": marked("There is no log-in by mail here."),
    "mail_log_in.invalid": marked(
        "The link or the code is wrong, too old, or was used already. Ask for another mail."
    ),
    "mail_log_in.missing_code": marked(
        "You asked for this link in another browser. Type the code in the mail, too."
    ),
    "passkey.invalid": marked("This passkey does not work here."),
    "passkey.invalid_challenge": marked("This took too long. Please try again."),
    "passkey.invalid_origin": marked("Passkeys do not work at this address of the page."),
    "passkey.user_not_verified": marked(
        "The passkey needs a PIN, a fingerprint or a face. Set it up on your device."
    ),
    "passkey.unknown": marked("No account has this passkey. It may have been deleted."),
    "passkey.of_another_user": marked("This passkey belongs to another account."),
    "passkey.cloned": marked(
        "This passkey may have been copied. Log in in another way, and delete it."
    ),
    "resource.passkey.exists": marked("This passkey was added already."),
    "resource.passkey.too_many": marked("You have as many passkeys as you may have."),
    "resource.passkey.invalid_name": marked("Enter a name of at most 64 characters."),
    "resource.trusted_device.doesnt_exist": marked("There is no such device."),
    "resource.consent": marked("You have not allowed this application anything."),
    "resource.passkey.doesnt_exist": marked("You have no such passkey."),
    # Second factor and API keys.
    "resource.otp.already_enabled": marked("Your second factor is on already."),
    "resource.otp.not_enabled": marked("Your second factor is off."),
    "resource.otp.invalid": marked("The code of your authenticator app is wrong."),
    "resource.otp.missing_code": marked("Enter the code of your authenticator app."),
    "resource.otp.empty_code": marked("Enter the code of your authenticator app."),
    "resource.api_key.2fa_disabled": marked("API keys need a second factor: set it up first."),
    "resource.api_key.invalid_totp": marked("The code of your authenticator app is wrong."),
    "resource.api_key.limit_reached": marked("You have as many API keys as you may have."),
    "resource.api_key.missing_totp": marked("Enter the code of your authenticator app."),
    "resource.apikey.missing_totp_code": marked("Enter the code of your authenticator app."),
    "resource.apikey.empty_totp_code": marked("Enter the code of your authenticator app."),
    "resource.apikey.missing_algorithm": marked("Choose an algorithm."),
    "resource.apikey.empty_algorithm": marked("Choose an algorithm."),
    "resource.apikey.empty_scope": marked("Enter a scope."),
    "algorithm.inclusion": marked("There is no such algorithm."),
    "scope.invalid": marked("A scope is not valid."),
    "scope.too_long": marked("The scopes are too long."),
    "public_key.blank": marked("This algorithm needs a public key."),
    "public_key.invalid": marked("This is not a public key."),
    "public_key.unexpected": marked("This algorithm takes no public key."),
    # The console.
    "admin.user.doesnt_exist": marked("There is no such user."),
    "admin.user.invalid_q": marked("Begin the search with a letter or a digit."),
    "admin.user.invalid_range": marked("The period is not valid."),
    "admin.user.invalid_order_by": marked("Users are not put in order by this."),
    "admin.user.invalid_ordering": marked("Users are not put in order by this."),
    "admin.user.superadmin_change": marked("Only superadmins may change or make superadmins."),
    "admin.user.higher_role": marked(
        "You may not change somebody of your own rank or a higher one."
    ),
    "admin.user.update_himself": marked("You may not change yourself here."),
    "admin.user.state_no_change": marked("The user has this state already."),
    "admin.user.role_no_change": marked("The user has this role already."),
    "admin.user.email_no_change": marked("The user has this address already."),
    "admin.user.missing_email": marked("Enter an e-mail address."),
    "admin.user.empty_email": marked("Enter an e-mail address."),
    "admin.profiles.doesnt_exist_or_not_editable": marked(
        "The user has no profile that waits for a verdict."
    ),
    "admin.profiles.superadmin_change": marked("Only superadmins may change or make superadmins."),
    "console.changed_meanwhile": marked(
        "This has changed since you opened the page. Look at it again; nothing is done yet."
    ),
    "console.judged_meanwhile": marked("Somebody else has judged these documents meanwhile."),
    "admin.session.doesnt_exist": marked("The user has no such session."),
    "admin.session.empty_id": marked("The user has no such session."),
    "admin.user.otp_no_change": marked("The second factor is off already."),
    "admin.user.enable_2fa": marked("Only users themselves can turn their second factor on."),
    "admin.label.doesnt_exist": marked("There is no such label."),
    "admin.user.empty_role": marked("Enter a role."),
    "admin.user.missing_role": marked("Enter a role."),
    "admin.user.empty_state": marked("There is no such state."),
    "role.doesnt_exist": marked("There is no such role."),
    "state.inclusion": marked("There is no such state."),
    "admin.user.missing_scope": marked("There is no such scope."),
    "admin.user.empty_scope": marked("There is no such scope."),
    "scope.inclusion": marked("There is no such scope."),
    "key.invalid": marked("The key is not valid."),
    "key.taken": marked("The user has this label already."),
    "key.too_short": marked("The key is too short."),
    "key.too_long": marked("The key is too long."),
    "value.invalid": marked("The value is not valid."),
    "value.too_short": marked("The value is too short."),
    "value.too_long": marked("The value is too long."),
    "value.taken": marked("There is such a restriction already."),
    "description.invalid": marked("The description is not valid."),
    "description.too_long": marked("The description is too long."),
    "admin.user.missing_key": marked("Enter a key."),
    "admin.user.empty_key": marked("Enter a key."),
    "admin.user.missing_value": marked("Enter a value."),
    "admin.user.empty_value": marked("Enter a value."),
    "admin.permission.role_doesnt_exist": marked("There is no such role."),
    "admin.permission.doesnt_exist": marked("There is no such permission."),
    "admin.permission.empty_role": marked("Enter a role."),
    "admin.permission.empty_id": marked("There is no such permission."),
    "admin.permission.missing_id": marked("There is no such permission."),
    "admin.permission.empty_verb": marked("There is no such verb."),
    "admin.permission.empty_action": marked("There is no such action."),
    "admin.permission.empty_path": marked("Enter a path."),
    "admin.permissions.invalid_verb": marked("There is no such verb."),
    "admin.permissions.invalid_path": marked("This is not a path."),
    "admin.permissions.invalid_action": marked("There is no such action."),
    "path.taken": marked("There is such a permission already."),
    "admin.restriction.locks_out_yourself": marked(
        "This restriction would lock you out. Let your own address in first."
    ),
    "admin.restriction.doesnt_exist": marked("There is no such restriction."),
    "admin.restriction.empty_value": marked("Enter a value."),
    "admin.restriction.missing_value": marked("Enter a value."),
    "admin.restriction.invalid_address": marked("This is not an IP address."),
    "admin.restriction.invalid_country": marked("This is not a country."),
    "admin.restriction.invalid_continent": marked("This is not a continent."),
    "admin.restriction.missing_category": marked("There is no such category."),
    "admin.restriction.empty_category": marked("There is no such category."),
    "admin.restriction.invalid_category": marked("There is no such category."),
    "admin.restriction.missing_scope": marked("There is no such scope."),
    "admin.restriction.empty_scope": marked("There is no such scope."),
    "admin.restriction.invalid_scope": marked("There is no such scope."),
    "admin.restriction.empty_state": marked("There is no such state."),
    "admin.restriction.invalid_state": marked("There is no such state."),
    "admin.restriction.empty_id": marked("There is no such restriction."),
    "admin.restriction.missing_id": marked("There is no such restriction."),
    "admin.restriction.empty_expire_time": marked("Enter for how long."),
    "admin.restriction.empty_range": marked("There is no such unit."),
    "invalid_expire": marked("Enter a whole number of hours or days, one or more."),
    "invalid_range": marked("There is no such unit."),
    "admin.restriction.empty_code": marked("A value is not valid."),
    "admin.restriction.invalid_range": marked("The period is not valid."),
    "admin.activity.invalid_result": marked("There is no such result."),
    "admin.activity.invalid_range": marked("The period is not valid."),
    "admin.activity.page_too_deep": marked("There are no further pages."),
    "admin.webhook.doesnt_exist": marked("There is no such endpoint."),
    "admin.webhook.delivery_doesnt_exist": marked("There is no such delivery."),
    "admin.webhook.invalid_state": marked("There is no such state."),
    "admin.webhook.forbidden_address": marked("Nothing may be sent to this address."),
    "admin.webhook.invalid_url": marked("This is not an address that begins with https."),
    "admin.webhook.missing_url": marked("Enter an address."),
    "admin.webhook.invalid_events": marked("There are no such events."),
    "admin.webhook.missing_events": marked("Enter events."),
    "admin.webhook.too_many": marked("There are as many endpoints as there may be."),
    "admin.dead_letter.doesnt_exist": marked("There is no such event in the queue."),
    "admin.dead_letter.queue_doesnt_exist": marked("There is no such queue."),
    # The account.
    "resource.user.missing_password": marked("Enter your password."),
    "resource.user.empty_password": marked("Enter your password."),
    "resource.user.invalid_password": marked("The password is wrong."),
    "resource.user.missing_otp_code": marked("Enter the code of your authenticator app."),
    "resource.user.empty_otp_code": marked("Enter the code of your authenticator app."),
    "resource.user.invalid_otp": marked("The code of your authenticator app is wrong."),
    "resource.user.last_superadmin": marked("The last superadmin cannot be deleted."),
    "resource.apikey.empty_state": marked("There is no such state."),
    "resource.user.no_activity": marked("Nothing has happened yet."),
    "resource.user.page_too_deep": marked("There are no further pages."),
}

_REFUSED = marked("The server refused this (%(code)s).")
_BY_STATUS: Mapping[int, str] = {
    403: marked("Your role may not do this."),
    404: marked("There is no such record."),
    413: marked("What you sent is too large."),
    429: marked("Too many attempts. Please wait a moment, then try again."),
}


def of(language: Language, refusal: ApiRefusal) -> list[str]:
    """A sentence for each code, each once; one for the status if there are no codes."""
    found = [_sentence(language, code) for code in refusal.codes]
    if not found:
        text = _BY_STATUS.get(refusal.status)
        found = [language.text(text) if text else _unknown(language, str(refusal.status))]
    return list(dict.fromkeys(found))


def _sentence(language: Language, code: str) -> str:
    known = SENTENCES.get(code) or SENTENCES.get(code.rpartition(".")[0])
    return language.text(known) if known else _unknown(language, code)


def _unknown(language: Language, code: str) -> str:
    return language.text(_REFUSED) % {"code": code}
