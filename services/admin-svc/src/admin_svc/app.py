"""admin-svc, wired."""

from functools import partial

from admin_svc.activities.handlers import ACTIVITIES
from admin_svc.activities.partitions import PartitionsAhead
from admin_svc.activities.use_cases import build as build_activities
from admin_svc.api_keys import handlers as api_keys
from admin_svc.api_keys.list_api_keys import ListApiKeys
from admin_svc.audit.use_cases import build as build_audit
from admin_svc.core import Core
from admin_svc.data_storages import handlers as data_storages
from admin_svc.data_storages.delete_data_storage import DeleteDataStorage
from admin_svc.directory.handlers import DIRECTORY
from admin_svc.directory.use_cases import build as build_directory
from admin_svc.erasure.erase_user import EraseUser
from admin_svc.labels import handlers as labels
from admin_svc.labels.change_labels import ChangeLabels
from admin_svc.levels.file import read_levels
from admin_svc.levels.handlers import LEVELS
from admin_svc.metrics.handlers import METRICS
from admin_svc.metrics.use_cases import build as build_metrics
from admin_svc.permissions.add import AddPermission
from admin_svc.permissions.change import ChangePermission
from admin_svc.permissions.check import CheckPermission
from admin_svc.permissions.find_role import RoleExists
from admin_svc.permissions.handlers import (
    ADD_PERMISSION,
    CHANGE_PERMISSION,
    CHECK_PERMISSION,
    LIST_PERMISSIONS,
    REMOVE_PERMISSION,
)
from admin_svc.permissions.read import ListPermissions
from admin_svc.permissions.remove import RemovePermission
from admin_svc.policy.change import ChangePolicy
from admin_svc.policy.handlers import READ_POLICY
from admin_svc.policy.read import ReadPolicy
from admin_svc.profiles import handlers as profiles
from admin_svc.profiles.change_profile import ChangeProfile
from admin_svc.restrictions.add import AddRestriction
from admin_svc.restrictions.change import ChangeRestriction
from admin_svc.restrictions.handlers import (
    ADD_RESTRICTION,
    CHANGE_RESTRICTION,
    LIST_RESTRICTIONS,
    REMOVE_RESTRICTION,
)
from admin_svc.restrictions.lockout import Lockout
from admin_svc.restrictions.read import ListRestrictions
from admin_svc.restrictions.remove import RemoveRestriction
from admin_svc.routes import INTERNAL, PREFIX, PUBLIC
from admin_svc.schema import MIGRATIONS
from admin_svc.settings import AdminSettings
from admin_svc.subscriptions import activity_reactions, audit_reactions, reactions
from admin_svc.user_counts.use_cases import build as build_user_counts
from admin_svc.users import handlers as user_changes
from admin_svc.users.change_attachment import ChangeAttachment
from admin_svc.users.change_role import ChangeRole
from admin_svc.users.change_state import ChangeState
from admin_svc.users.change_user import ChangeUser
from admin_svc.users.reset_second_factor import ResetSecondFactor
from admin_svc.whitelinks.create import CreateWhitelink
from admin_svc.whitelinks.handlers import CREATE_WHITELINK, USE_WHITELINK
from admin_svc.whitelinks.use import UseWhitelink
from shared.contracts import topology
from shared.contracts.services import ADMIN
from shared.database.migrate import MigratedCheck
from shared.messaging.audits import AuditSeal
from shared.messaging.changes import ChangeTeller
from shared.messaging.envelope import EventVerifier
from shared.messaging.lag import QueueMetrics
from shared.messaging.publisher import publisher
from shared.messaging.relay import Relay
from shared.messaging.subscriber import Subscriber
from shared.messaging.supervision import supervised
from shared.policy.places import places
from shared.process import Service
from shared.tokens.bearer import BearerVerifier
from shared.web.applications import WebLayer


def create_app(settings: AdminSettings) -> Service:
    """The service, with everything it is made of.

    Raises `SettingsError` when a configuration file is not one to run with.
    """
    levels = read_levels(settings.levels_path)
    core = Core.of(settings)
    database, outbox, registry = core.database, core.outbox, core.registry
    identity, resource, keys = core.identity, core.resource, core.keys
    user_counts = build_user_counts(core)
    directory = build_directory(core, user_counts)
    audit = build_audit(core, directory)
    activities = build_activities(core, directory)
    metrics = build_metrics(activities, directory)
    relay = Relay(
        database,
        outbox,
        identity,
        partial(publisher, settings.broker_url, f"{ADMIN} relay"),
        registry,
    )
    queue_metrics = QueueMetrics(registry)
    erase_user = EraseUser(database, directory, activities, audit)
    subscriber = Subscriber(
        settings.broker_url,
        topology.ADMIN,
        EventVerifier(keys, settings.jwt_issuer),
        reactions(database, directory, erase_user),
        queue_metrics,
    )

    activity_subscriber = Subscriber(
        settings.broker_url,
        topology.ACTIVITIES,
        EventVerifier(keys, settings.jwt_issuer),
        activity_reactions(activities),
        queue_metrics,
    )
    audit_subscriber = Subscriber(
        settings.broker_url,
        topology.AUDITS,
        AuditSeal(settings.service_keys),
        audit_reactions(activities),
        queue_metrics,
    )

    change_policy = ChangePolicy(database, outbox, audit)
    lockout = Lockout(places(settings.maxminddb_path, settings.geoip_lang))
    add_restriction = AddRestriction(change_policy, lockout)

    change_user = ChangeUser(audit, resource, directory)
    attached = (resource, ChangeAttachment(audit, directory))

    changes = ChangeTeller(settings.broker_url, ADMIN, settings.service_keys)
    layer = WebLayer(
        registry, settings.trusted_proxies, changes.tell, log_probes=settings.log_probes
    )
    public = layer.public(PUBLIC, prefix=PREFIX, bearers=BearerVerifier(keys, settings.jwt_issuer))
    public[ACTIVITIES] = activities
    public[LEVELS] = levels
    public[METRICS] = metrics
    public[api_keys.LIST_API_KEYS] = ListApiKeys(resource)
    public[user_changes.CHANGE_STATE] = ChangeState(identity, change_user)
    public[user_changes.CHANGE_ROLE] = ChangeRole(identity, RoleExists(database), change_user)
    public[user_changes.RESET_SECOND_FACTOR] = ResetSecondFactor(identity, change_user)
    public[labels.CHANGE_LABELS] = ChangeLabels(*attached)
    public[profiles.CHANGE_PROFILE] = ChangeProfile(*attached)
    public[data_storages.DELETE_DATA_STORAGE] = DeleteDataStorage(*attached)
    public[CHECK_PERMISSION] = CheckPermission(database)
    public[LIST_PERMISSIONS] = ListPermissions(database)
    public[ADD_PERMISSION] = AddPermission(change_policy)
    public[CHANGE_PERMISSION] = ChangePermission(change_policy)
    public[REMOVE_PERMISSION] = RemovePermission(change_policy)
    public[LIST_RESTRICTIONS] = ListRestrictions(database)
    public[ADD_RESTRICTION] = add_restriction
    public[CHANGE_RESTRICTION] = ChangeRestriction(change_policy, lockout)
    public[REMOVE_RESTRICTION] = RemoveRestriction(change_policy, lockout)
    public[CREATE_WHITELINK] = CreateWhitelink(database, audit)
    public[DIRECTORY] = directory
    internal = layer.internal(
        INTERNAL,
        service_tokens=core.service_tokens,
        checks={
            "postgresql": MigratedCheck(database, MIGRATIONS),
            "keys": keys.loaded,
        },
        watched={"rabbitmq": subscriber.check},
    )
    internal[ACTIVITIES] = activities
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
            resource.opened(),
            supervised("relay", relay.run),
            supervised("changes", changes.run),
            supervised("subscriber", subscriber.run),
            supervised("directory counts", user_counts.run),
            supervised("activity partitions", activities.partitions.run),
            supervised("activity partitions ahead", PartitionsAhead(database, registry).run),
            supervised("activity subscriber", activity_subscriber.run),
            supervised("audit subscriber", audit_subscriber.run),
        ),
    )
