"""The features of identity-svc, each built on the core and on the features that it uses."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

from aiohttp import web

from identity_svc.about.handlers import ABOUT
from identity_svc.about.use_cases import build as build_about
from identity_svc.access.handlers import ACCESS
from identity_svc.access.use_cases import build as build_access
from identity_svc.account_status.handlers import ACCOUNT_STATUS
from identity_svc.account_status.use_cases import build as build_account_status
from identity_svc.activities.use_cases import build as build_activities
from identity_svc.administration.handlers import ADMINISTRATION
from identity_svc.administration.use_cases import build as build_administration
from identity_svc.captcha.handlers import CAPTCHAS
from identity_svc.captcha.use_cases import build as build_captcha
from identity_svc.confirmations.handlers import CONFIRMATIONS
from identity_svc.confirmations.use_cases import build as build_confirmations
from identity_svc.core import Core
from identity_svc.email_changes.handlers import EMAIL_CHANGES
from identity_svc.email_changes.use_cases import build as build_email_changes
from identity_svc.erasure.use_cases import build as build_erasure
from identity_svc.housekeeping import run_housekeeping
from identity_svc.linked_accounts.handlers import LINKED_ACCOUNTS
from identity_svc.linked_accounts.use_cases import build as build_linked_accounts
from identity_svc.logins.handlers import LOGINS
from identity_svc.logins.use_cases import build as build_logins
from identity_svc.mail_log_ins.use_cases import build as build_mail_log_ins
from identity_svc.mail_tokens.use_cases import build as build_mail_tokens
from identity_svc.openid_providers.use_cases import build as build_openid_providers
from identity_svc.ownership.use_cases import build as build_ownership
from identity_svc.passkeys.handlers import PASSKEYS
from identity_svc.passkeys.use_cases import build as build_passkeys
from identity_svc.password_resets.handlers import PASSWORD_RESETS
from identity_svc.password_resets.use_cases import build as build_password_resets
from identity_svc.passwords.handlers import PASSWORDS
from identity_svc.passwords.use_cases import build as build_passwords
from identity_svc.provider_log_ins.use_cases import build as build_provider_log_ins
from identity_svc.recovery_codes.use_cases import build as build_recovery
from identity_svc.second_factor.handlers import SECOND_FACTORS
from identity_svc.second_factor.use_cases import build as build_second_factor
from identity_svc.sessions.handlers import SESSIONS
from identity_svc.sessions.use_cases import build as build_sessions
from identity_svc.sign_ups.handlers import SIGN_UPS
from identity_svc.sign_ups.use_cases import build as build_sign_ups
from identity_svc.signing_keys.handlers import KEY_CHAIN
from identity_svc.signing_keys.key_chain import KeyChain
from identity_svc.signing_keys.use_cases import build as build_signing_keys
from identity_svc.subscriptions import reactions
from identity_svc.throttling.use_cases import build as build_throttling
from identity_svc.trusted_devices.handlers import TRUSTED_DEVICES
from identity_svc.trusted_devices.use_cases import build as build_trusted_devices
from identity_svc.users.handlers import USERS
from identity_svc.users.use_cases import build as build_users
from identity_svc.verifications.handlers import VERIFICATIONS
from identity_svc.verifications.use_cases import build as build_verifications
from shared.archive.handlers import EVENT_ARCHIVE, REPLAYS
from shared.archive.use_cases import build_archive, build_replays
from shared.contracts.services import IDENTITY
from shared.messaging.inbox import Reaction
from shared.messaging.supervision import supervised


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """What handlers, the subscriber and the process need of all features together."""

    key_chain: KeyChain
    use_cases: Mapping[web.AppKey[Any], object]
    reactions: Mapping[str, Reaction]
    """By name of the event."""
    parts: Sequence[AbstractAsyncContextManager[object]]
    """Connections and background tasks, for the time that the process runs."""


def build(core: Core) -> Features:
    """Connects to nothing yet; raises `SettingsError` for faults in configuration files."""
    key_chain = build_signing_keys(core)
    throttle = build_throttling(core)
    captchas = build_captcha(core)
    activities = build_activities(core)
    users = build_users(core)
    sessions = build_sessions(core, users, activities, key_chain)
    mail_tokens = build_mail_tokens(core, key_chain)
    account_status = build_account_status(core, users, sessions, mail_tokens)
    trusted_devices = build_trusted_devices(core)
    passwords = build_passwords(
        core, users, sessions, mail_tokens, trusted_devices, throttle, activities
    )
    recovery = build_recovery(core)
    passkeys = build_passkeys(core, users, sessions, recovery, throttle, activities)
    second_factors = build_second_factor(
        core,
        users,
        sessions,
        mail_tokens,
        throttle,
        activities,
        recovery,
        passkeys,
        trusted_devices,
    )
    openid_providers = build_openid_providers(core)
    provider_log_ins = build_provider_log_ins(core, openid_providers, throttle)
    linked_accounts = build_linked_accounts(core, users, sessions, provider_log_ins, activities)
    ownership = build_ownership(core, sessions, second_factors, passkeys, linked_accounts, recovery)
    email_changes = build_email_changes(
        core, users, sessions, passwords, ownership, mail_tokens, activities
    )
    confirmations = build_confirmations(
        core, users, sessions, account_status, ownership, mail_tokens, throttle
    )
    mail_log_ins = build_mail_log_ins(core, users, confirmations, mail_tokens, throttle, activities)
    sign_ups = build_sign_ups(
        core,
        users,
        passwords,
        sessions,
        mail_tokens,
        confirmations,
        linked_accounts,
        throttle,
        activities,
    )
    erasure = build_erasure(core, users)
    archive = build_archive(core.database, core.settings)
    replays = build_replays(core.database, key_chain, core.settings, IDENTITY, core.registry)
    housekeeping = partial(
        run_housekeeping,
        core.database,
        users,
        sessions,
        mail_tokens,
        mail_log_ins,
        passkeys,
        provider_log_ins,
        trusted_devices,
        throttle,
    )
    return Features(
        key_chain=key_chain,
        use_cases={
            ABOUT: build_about(core, openid_providers),
            ACCESS: build_access(core),
            ACCOUNT_STATUS: account_status,
            ADMINISTRATION: build_administration(
                core, users, sessions, account_status, second_factors, email_changes
            ),
            CAPTCHAS: captchas,
            CONFIRMATIONS: confirmations,
            EMAIL_CHANGES: email_changes,
            EVENT_ARCHIVE: archive,
            KEY_CHAIN: key_chain,
            LINKED_ACCOUNTS: linked_accounts,
            LOGINS: build_logins(
                core,
                users,
                passwords,
                second_factors,
                passkeys,
                mail_log_ins,
                provider_log_ins,
                linked_accounts,
                confirmations,
                sign_ups,
                trusted_devices,
                sessions,
                throttle,
                activities,
            ),
            PASSKEYS: passkeys,
            PASSWORDS: passwords,
            PASSWORD_RESETS: build_password_resets(
                core, users, passwords, ownership, mail_tokens, throttle, activities
            ),
            REPLAYS: replays,
            SECOND_FACTORS: second_factors,
            SESSIONS: sessions,
            SIGN_UPS: sign_ups,
            TRUSTED_DEVICES: trusted_devices,
            USERS: users,
            VERIFICATIONS: build_verifications(
                core, users, passwords, second_factors, passkeys, sessions, activities
            ),
        },
        reactions=reactions(core.database, account_status),
        parts=(
            captchas.opened(),
            openid_providers.opened(),
            passwords.hasher.opened(),
            supervised("signing keys", key_chain.run),
            supervised("housekeeping", housekeeping),
            supervised("event archive", archive.run),
            supervised("event replays", replays.run),
            *([supervised("erasure", erasure.run)] if core.settings.erasure_days else []),
        ),
    )
