"""admin-svc, wired."""

from functools import partial

from admin_svc.directory.find import FindUsers
from admin_svc.directory.handlers import FIND_USERS
from admin_svc.levels.file import read_levels
from admin_svc.levels.handlers import LEVELS
from admin_svc.permissions.add import AddPermission
from admin_svc.permissions.change import ChangePermission
from admin_svc.permissions.handlers import (
    ADD_PERMISSION,
    CHANGE_PERMISSION,
    LIST_PERMISSIONS,
    REMOVE_PERMISSION,
)
from admin_svc.permissions.read import ListPermissions
from admin_svc.permissions.remove import RemovePermission
from admin_svc.policy.change import ChangePolicy
from admin_svc.policy.handlers import READ_POLICY
from admin_svc.policy.read import ReadPolicy
from admin_svc.restrictions.add import AddRestriction
from admin_svc.restrictions.change import ChangeRestriction
from admin_svc.restrictions.handlers import (
    ADD_RESTRICTION,
    CHANGE_RESTRICTION,
    LIST_RESTRICTIONS,
    REMOVE_RESTRICTION,
)
from admin_svc.restrictions.read import ListRestrictions
from admin_svc.restrictions.remove import RemoveRestriction
from admin_svc.routes import INTERNAL, PREFIX, PUBLIC
from admin_svc.schema import MIGRATIONS, SCHEMA
from admin_svc.settings import AdminSettings
from admin_svc.subscriptions import reactions
from admin_svc.whitelinks.create import CreateWhitelink
from admin_svc.whitelinks.handlers import CREATE_WHITELINK, USE_WHITELINK
from admin_svc.whitelinks.use import UseWhitelink
from shared.clients.identity import IdentityClient
from shared.contracts import topology
from shared.contracts.services import ADMIN
from shared.database.migrate import MigratedCheck
from shared.database.pool import Database
from shared.messaging.envelope import EventVerifier
from shared.messaging.outbox import Outbox
from shared.messaging.publisher import publisher
from shared.messaging.relay import Relay
from shared.messaging.subscriber import Subscriber
from shared.messaging.supervision import supervised
from shared.process import Service
from shared.tokens.bearer import BearerVerifier
from shared.tokens.key_set import KeySet
from shared.tokens.service import ServiceTokens
from shared.web.applications import WebLayer
from shared.web.metrics import Registry


def create_app(settings: AdminSettings) -> Service:
    """The service, with everything it is made of.

    Raises `SettingsError` when a configuration file is not one to run with.
    """
    levels = read_levels(settings.levels_path)
    registry = Registry()
    service_tokens = ServiceTokens(ADMIN, settings.service_keys)
    identity = IdentityClient(settings.identity_internal_url, service_tokens)
    keys = KeySet(identity.jwks)
    database = Database(settings.database_url, SCHEMA)
    outbox = Outbox()
    relay = Relay(
        database,
        outbox,
        identity,
        partial(publisher, settings.broker_url, f"{ADMIN} relay"),
        registry,
    )
    subscriber = Subscriber(
        settings.broker_url,
        topology.ADMIN,
        EventVerifier(keys, settings.jwt_issuer),
        reactions(database),
        registry,
    )

    change_policy = ChangePolicy(database, outbox)
    add_restriction = AddRestriction(change_policy)

    layer = WebLayer(registry, settings.trusted_proxies)
    public = layer.public(PUBLIC, prefix=PREFIX, bearers=BearerVerifier(keys, settings.jwt_issuer))
    public[LEVELS] = levels
    public[LIST_PERMISSIONS] = ListPermissions(database)
    public[ADD_PERMISSION] = AddPermission(change_policy)
    public[CHANGE_PERMISSION] = ChangePermission(change_policy)
    public[REMOVE_PERMISSION] = RemovePermission(change_policy)
    public[LIST_RESTRICTIONS] = ListRestrictions(database)
    public[ADD_RESTRICTION] = add_restriction
    public[CHANGE_RESTRICTION] = ChangeRestriction(change_policy)
    public[REMOVE_RESTRICTION] = RemoveRestriction(change_policy)
    public[CREATE_WHITELINK] = CreateWhitelink(database)
    public[FIND_USERS] = FindUsers(database)
    internal = layer.internal(
        INTERNAL,
        service_tokens=service_tokens,
        checks={
            "postgresql": MigratedCheck(database, MIGRATIONS),
            "rabbitmq": subscriber.check,
            "keys": keys.loaded,
        },
    )
    internal[READ_POLICY] = ReadPolicy(database)
    internal[USE_WHITELINK] = UseWhitelink(database, add_restriction)

    return Service(
        name=ADMIN,
        settings=settings,
        public=public,
        public_port=settings.port,
        internal=internal,
        parts=(
            database.opened(),
            identity.opened(),
            supervised("relay", relay.run),
            supervised("subscriber", subscriber.run),
        ),
    )
