"""admin-svc, wired."""

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
from admin_svc.levels.handlers import LEVELS
from admin_svc.levels.use_cases import build as build_levels
from admin_svc.metrics.handlers import METRICS
from admin_svc.metrics.use_cases import build as build_metrics
from admin_svc.permissions.handlers import PERMISSIONS
from admin_svc.permissions.use_cases import build as build_permissions
from admin_svc.policy.handlers import POLICY
from admin_svc.policy.use_cases import build as build_policy
from admin_svc.profiles import handlers as profiles
from admin_svc.profiles.change_profile import ChangeProfile
from admin_svc.restrictions.handlers import RESTRICTIONS
from admin_svc.restrictions.use_cases import build as build_restrictions
from admin_svc.routes import INTERNAL, PREFIX, PUBLIC
from admin_svc.schema import MIGRATIONS
from admin_svc.settings import AdminSettings
from admin_svc.subscriptions import subscribers
from admin_svc.user_counts.use_cases import build as build_user_counts
from admin_svc.users import handlers as user_changes
from admin_svc.users.change_attachment import ChangeAttachment
from admin_svc.users.change_role import ChangeRole
from admin_svc.users.change_state import ChangeState
from admin_svc.users.change_user import ChangeUser
from admin_svc.users.reset_second_factor import ResetSecondFactor
from admin_svc.whitelinks.handlers import WHITELINKS
from admin_svc.whitelinks.use_cases import build as build_whitelinks
from shared.contracts.services import ADMIN
from shared.database.migrate import MigratedCheck
from shared.messaging.supervision import supervised
from shared.process import Service
from shared.web.applications import WebLayer


def create_app(settings: AdminSettings) -> Service:
    """The service, with everything it is made of.

    Raises `SettingsError` when a configuration file is not one to run with.
    """
    core = Core.of(settings)
    database, identity, resource = core.database, core.identity, core.resource
    user_counts = build_user_counts(core)
    directory = build_directory(core, user_counts)
    audit = build_audit(core, directory)
    policy = build_policy(core, audit)
    permissions = build_permissions(core, policy)
    restrictions = build_restrictions(core, policy)
    whitelinks = build_whitelinks(core, audit, restrictions)
    activities = build_activities(core, directory)
    metrics = build_metrics(activities, directory)
    erase_user = EraseUser(core.database, directory, activities, audit)
    received = subscribers(core, directory, activities, erase_user)
    change_user = ChangeUser(audit, resource, directory)
    attached = (resource, ChangeAttachment(audit, directory))

    layer = WebLayer(
        core.registry,
        settings.trusted_proxies,
        core.changes.tell,
        log_probes=settings.log_probes,
    )
    public = layer.public(PUBLIC, prefix=PREFIX, bearers=core.bearers())
    public[ACTIVITIES] = activities
    public[LEVELS] = build_levels(core)
    public[METRICS] = metrics
    public[api_keys.LIST_API_KEYS] = ListApiKeys(resource)
    public[user_changes.CHANGE_STATE] = ChangeState(identity, change_user)
    public[user_changes.CHANGE_ROLE] = ChangeRole(identity, permissions, change_user)
    public[user_changes.RESET_SECOND_FACTOR] = ResetSecondFactor(identity, change_user)
    public[labels.CHANGE_LABELS] = ChangeLabels(*attached)
    public[profiles.CHANGE_PROFILE] = ChangeProfile(*attached)
    public[data_storages.DELETE_DATA_STORAGE] = DeleteDataStorage(*attached)
    public[PERMISSIONS] = permissions
    public[RESTRICTIONS] = restrictions
    public[WHITELINKS] = whitelinks
    public[DIRECTORY] = directory
    internal = layer.internal(
        INTERNAL,
        service_tokens=core.service_tokens,
        checks={
            "postgresql": MigratedCheck(database, MIGRATIONS),
            "keys": core.keys.loaded,
        },
        watched={"rabbitmq": received.events.check},
    )
    internal[ACTIVITIES] = activities
    internal[POLICY] = policy
    internal[WHITELINKS] = whitelinks

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
            supervised("relay", core.relay().run),
            supervised("changes", core.changes.run),
            supervised("subscriber", received.events.run),
            supervised("directory counts", user_counts.run),
            supervised("activity partitions", activities.partitions.run),
            supervised("activity partitions ahead", PartitionsAhead(database, core.registry).run),
            supervised("activity subscriber", received.activities.run),
            supervised("audit subscriber", received.audits.run),
        ),
    )
