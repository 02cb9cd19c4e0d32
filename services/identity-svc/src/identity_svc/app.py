"""Wires identity-svc: the only place where its parts meet."""

from datetime import timedelta

from identity_svc import routes
from identity_svc.about import handlers as about
from identity_svc.about.use_cases import build as build_about
from identity_svc.access import handlers as access
from identity_svc.access.use_cases import build as build_access
from identity_svc.activities.record import RecordActivities
from identity_svc.administration import handlers as administration
from identity_svc.administration.change_role import ChangeRole
from identity_svc.administration.change_state import ChangeState
from identity_svc.administration.demand_successor import DemandSuccessor
from identity_svc.administration.find_subject import FindSubject
from identity_svc.administration.lock_subject import LockSubject
from identity_svc.administration.reset_second_factor import ResetSecondFactor
from identity_svc.captcha import handlers as captcha
from identity_svc.captcha.use_cases import build as build_captchas
from identity_svc.confirmations import handlers as confirmations
from identity_svc.confirmations.confirm_email import ConfirmEmail
from identity_svc.confirmations.request_confirmation import RequestConfirmation
from identity_svc.core import Core
from identity_svc.erasure.erase_due import EraseDue
from identity_svc.erasure.erase_user import EraseUser
from identity_svc.housekeeping import keep_house
from identity_svc.mail_tokens.quota import MailQuota
from identity_svc.mail_tokens.tokens import MailTokens
from identity_svc.ownership.end_api_keys import EndApiKeys
from identity_svc.ownership.end_others import EndOthers
from identity_svc.password_resets import handlers as password_resets
from identity_svc.password_resets.request_reset import RequestReset
from identity_svc.password_resets.reset_password import ResetPassword
from identity_svc.passwords import handlers as passwords
from identity_svc.passwords.change_password import ChangePassword
from identity_svc.passwords.check_password import CheckPassword
from identity_svc.passwords.hasher import PasswordHasher
from identity_svc.passwords.rules import PasswordRules
from identity_svc.passwords.set_password import SetPassword
from identity_svc.passwords.verify_password import VerifyPassword
from identity_svc.schema import MIGRATIONS
from identity_svc.second_factor import handlers as second_factor
from identity_svc.second_factor.authenticator import Authenticator
from identity_svc.second_factor.create import CreateSecondFactor
from identity_svc.second_factor.disable import DisableSecondFactor
from identity_svc.second_factor.enable import EnableSecondFactor
from identity_svc.second_factor.limit_codes import LimitCodes
from identity_svc.second_factor.verify import VerifyCode
from identity_svc.sessions import handlers as sessions
from identity_svc.sessions.answers import SessionCookie
from identity_svc.sessions.issue_token import IssueToken
from identity_svc.sessions.list_sessions import ListSessions
from identity_svc.sessions.log_in import LogIn
from identity_svc.sessions.log_out import LogOut
from identity_svc.sessions.open_session import OpenSession
from identity_svc.sessions.resolve_session import ResolveSession
from identity_svc.sessions.revoke import RevokeSession
from identity_svc.sessions.show_session import ShowSession
from identity_svc.sessions.store import Lifetime
from identity_svc.settings import IdentitySettings
from identity_svc.signing_keys import handlers as signing_keys
from identity_svc.signing_keys.use_cases import build as build_signing_keys
from identity_svc.standing import handlers as standing
from identity_svc.standing.apply_labels import ApplyLabels
from identity_svc.subscriptions import reactions
from identity_svc.throttling.use_cases import build as build_throttle
from identity_svc.users import handlers as users
from identity_svc.users.change_data import ChangeData
from identity_svc.users.find_user import FindUser
from identity_svc.users.list_users import ListUsers
from identity_svc.users.sign_up import SignUp
from shared.contracts.services import IDENTITY
from shared.contracts.topology import IDENTITY as SUBSCRIPTION
from shared.database.migrate import MigratedCheck
from shared.messaging.envelope import EventVerifier
from shared.messaging.lag import QueueMetrics
from shared.messaging.publisher import publisher
from shared.messaging.relay import Relay
from shared.messaging.subscriber import Subscriber
from shared.messaging.supervision import supervised
from shared.policy.authority import Authority
from shared.policy.ranks import read_ranks
from shared.policy.standing_files import standing_rules
from shared.process import Service
from shared.tokens.bearer import BearerVerifier
from shared.tokens.key_set import KeySet
from shared.web.applications import WebLayer


def erase_due(core: Core) -> EraseDue:
    """How this installation erases users, for the service and for its command."""
    return EraseDue(
        core.database,
        EraseUser(core.database, core.outbox),
        timedelta(days=core.settings.erasure_days),
        core.registry,
    )


def create_app(settings: IdentitySettings) -> Service:
    """identity-svc, wired; nothing it depends on has to be up."""
    core = Core.of(settings)
    registry, database, outbox, resource = core.registry, core.database, core.outbox, core.resource
    key_chain = build_signing_keys(core)
    key_set = KeySet(key_chain.jwks)
    throttle = build_throttle(core)
    captchas = build_captchas(core)
    hasher = PasswordHasher(settings.hash_threads, registry)
    password_rules = PasswordRules(settings.password_pattern, settings.password_min_entropy)
    mail_tokens = MailTokens(key_chain, settings.jwt_issuer, settings.mail_token_seconds)
    lifetime = Lifetime(settings.session_seconds, settings.session_absolute_seconds)
    open_session = OpenSession(
        outbox, key_chain, lifetime, settings.sessions_per_user, settings.bearer_seconds
    )
    record = RecordActivities(database, outbox)
    find_user = FindUser(database)
    check_password = CheckPassword(database, hasher)
    set_password = SetPassword(outbox)
    verify_password = VerifyPassword(throttle, check_password)
    authenticator = Authenticator(settings.master_keys)
    quota = MailQuota(registry, enabled=settings.throttling)
    limit_codes = LimitCodes(database, outbox, throttle, quota, settings.domain)
    disable_second_factor = DisableSecondFactor(
        database, outbox, limit_codes, authenticator, record
    )
    end_others = EndOthers(outbox, disable_second_factor, EndApiKeys(resource))
    rules = standing_rules(settings.config_dir)
    apply_labels = ApplyLabels(database, outbox, rules)
    lock_subject = LockSubject(Authority(read_ranks(settings.ranks_path)))

    web_layer = WebLayer(
        registry, settings.trusted_proxies, core.changes.tell, log_probes=settings.log_probes
    )
    public = web_layer.public(routes.PUBLIC, bearers=BearerVerifier(key_set, settings.jwt_issuer))
    public[sessions.SESSION_COOKIE] = SessionCookie(settings.session_name, settings.secure_cookies)
    public[users.SIGN_UP] = SignUp(
        database,
        outbox,
        throttle,
        hasher,
        password_rules,
        mail_tokens,
        quota,
        open_session,
        record,
        settings.uid_prefix,
        settings.domain,
    )
    public[confirmations.CONFIRM_EMAIL] = ConfirmEmail(
        database,
        outbox,
        mail_tokens,
        end_others,
        resource,
        apply_labels,
        open_session,
        settings.domain,
    )
    public[confirmations.REQUEST_CONFIRMATION] = RequestConfirmation(
        database, outbox, mail_tokens, quota, throttle, settings.domain
    )
    public[password_resets.REQUEST_RESET] = RequestReset(
        database, outbox, throttle, mail_tokens, quota, record, settings.domain
    )
    public[password_resets.RESET_PASSWORD] = ResetPassword(
        database,
        outbox,
        throttle,
        hasher,
        password_rules,
        mail_tokens,
        set_password,
        end_others,
        record,
        settings.domain,
    )
    public[sessions.LOG_IN] = LogIn(
        database,
        outbox,
        throttle,
        check_password,
        limit_codes,
        authenticator,
        resource,
        open_session,
        record,
    )
    public[sessions.SHOW_SESSION] = ShowSession(database)
    public[sessions.LOG_OUT] = LogOut(database, outbox, record)
    public[captcha.CAPTCHAS] = captchas
    public[access.ACCESS] = build_access(core)
    public[about.ABOUT] = build_about(core)

    subscriber = Subscriber(
        settings.broker_url,
        SUBSCRIPTION,
        EventVerifier(key_set, settings.jwt_issuer),
        reactions(database, apply_labels),
        QueueMetrics(registry),
    )
    internal = web_layer.internal(
        routes.INTERNAL,
        service_tokens=core.service_tokens,
        checks={
            "postgresql": MigratedCheck(database, MIGRATIONS),
            "signing_keys": key_chain.check,
        },
        watched={"rabbitmq": subscriber.check},
    )
    internal[users.FIND_USER] = find_user
    internal[users.LIST_USERS] = ListUsers(database)
    internal[users.CHANGE_DATA] = ChangeData(database, outbox)
    internal[standing.APPLY_LABELS] = apply_labels
    internal[sessions.ISSUE_TOKEN] = IssueToken(find_user, key_chain)
    internal[sessions.RESOLVE_SESSION] = ResolveSession(database, key_chain, lifetime)
    internal[sessions.REVOKE_SESSION] = RevokeSession(database, outbox)
    internal[sessions.LIST_SESSIONS] = ListSessions(database)
    internal[passwords.VERIFY_PASSWORD] = verify_password
    internal[passwords.CHANGE_PASSWORD] = ChangePassword(
        database,
        outbox,
        hasher,
        password_rules,
        verify_password,
        set_password,
        record,
        settings.domain,
    )
    internal[second_factor.CREATE] = CreateSecondFactor(
        database, authenticator, record, settings.app_name
    )
    internal[second_factor.ENABLE] = EnableSecondFactor(
        database, outbox, limit_codes, authenticator, record
    )
    internal[second_factor.VERIFY] = VerifyCode(database, limit_codes, authenticator, record)
    internal[second_factor.DISABLE] = disable_second_factor
    internal[administration.RESET_SECOND_FACTOR] = ResetSecondFactor(
        database, lock_subject, disable_second_factor
    )
    internal[administration.FIND_SUBJECT] = FindSubject(database, lock_subject)
    internal[administration.DEMAND_SUCCESSOR] = DemandSuccessor(database)
    internal[administration.CHANGE_STATE] = ChangeState(database, outbox, lock_subject, rules)
    internal[administration.CHANGE_ROLE] = ChangeRole(database, outbox, lock_subject)
    for app in (public, internal):
        app[signing_keys.KEY_CHAIN] = key_chain

    erasure = erase_due(core)
    relay = Relay(
        database,
        outbox,
        key_chain,
        lambda: publisher(settings.broker_url, f"{IDENTITY} relay"),
        registry,
    )
    return Service(
        name=IDENTITY,
        settings=settings,
        public=public,
        public_port=settings.port,
        internal=internal,
        parts=(
            database.opened(),
            resource.opened(),
            core.admin.opened(),
            captchas.opened(),
            hasher.opened(),
            supervised("signing keys", key_chain.run),
            supervised("relay", relay.run),
            supervised("changes", core.changes.run),
            supervised("subscriber", subscriber.run),
            supervised("housekeeping", lambda: keep_house(database)),
            *([supervised("erasure", erasure.run)] if settings.erasure_days else []),
        ),
    )
