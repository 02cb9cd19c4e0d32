"""Where resource-svc is wired."""

from resource_svc import subscriptions
from resource_svc.activities.handlers import ACTIVITIES
from resource_svc.activities.use_cases import build as build_activities
from resource_svc.api_keys import handlers as api_keys
from resource_svc.api_keys.answers import Secrets
from resource_svc.api_keys.change_api_key import ChangeApiKey
from resource_svc.api_keys.create_api_key import CreateApiKey
from resource_svc.api_keys.deactivate_api_keys import DeactivateApiKeys
from resource_svc.api_keys.delete_api_key import DeleteApiKey
from resource_svc.api_keys.demand_second_factor import DemandSecondFactor
from resource_svc.api_keys.end_api_keys import EndApiKeys
from resource_svc.api_keys.find_api_key import FindApiKey
from resource_svc.api_keys.list_any_api_keys import ListAnyApiKeys
from resource_svc.api_keys.list_api_keys import ListAllApiKeys, ListApiKeys
from resource_svc.api_keys.seal import Seal
from resource_svc.attachments import handlers as attachments
from resource_svc.attachments.list_sets import ListSets
from resource_svc.core import Core
from resource_svc.data_storages import handlers as data_storages
from resource_svc.data_storages.configuration import configured_titles
from resource_svc.data_storages.create_data_storage import CreateDataStorage
from resource_svc.data_storages.delete_data_storage import DeleteDataStorage
from resource_svc.data_storages.list_data_storages import ListDataStorages
from resource_svc.documents.handlers import DOCUMENTS
from resource_svc.documents.use_cases import build as build_documents
from resource_svc.erasure.erase_user import EraseUser
from resource_svc.exports import handlers as exports
from resource_svc.exports.collect_export import CollectExport
from resource_svc.labels import handlers as labels
from resource_svc.labels.add_label import AddLabel
from resource_svc.labels.administer_labels import AdministerLabels
from resource_svc.labels.apply_labels import ApplyLabels
from resource_svc.labels.change_label import ChangeLabel
from resource_svc.labels.delete_label import DeleteLabel
from resource_svc.labels.find_label import FindLabel
from resource_svc.labels.list_labels import ListLabels
from resource_svc.labels.put_private_label import PutPrivateLabel
from resource_svc.labels.remove_private_label import RemovePrivateLabel
from resource_svc.labels.take_over_labels import TakeOverLabels
from resource_svc.labels.tell import TellOfLabel
from resource_svc.labels.verify_email import VerifyEmail
from resource_svc.nonces.handlers import NONCES
from resource_svc.nonces.use_cases import build as build_nonces
from resource_svc.passwords.handlers import PASSWORDS
from resource_svc.passwords.use_cases import build as build_passwords
from resource_svc.phones.handlers import PHONES
from resource_svc.phones.use_cases import build as build_phones
from resource_svc.profiles import handlers as profiles
from resource_svc.profiles.administer_profile import AdministerProfile
from resource_svc.profiles.change_profile import ChangeProfile
from resource_svc.profiles.create_profile import CreateProfile
from resource_svc.profiles.list_profiles import ListProfiles
from resource_svc.profiles.tell import TellOfProfile
from resource_svc.routes import INTERNAL, PUBLIC
from resource_svc.schema import MIGRATIONS
from resource_svc.second_factor.handlers import SECOND_FACTOR
from resource_svc.second_factor.use_cases import build as build_second_factor
from resource_svc.sessions.handlers import SESSIONS
from resource_svc.sessions.use_cases import build as build_sessions
from resource_svc.settings import ResourceSettings
from resource_svc.users import handlers as users
from resource_svc.users.answers import COLLECT_ATTACHMENTS
from resource_svc.users.change_data import ChangeData
from resource_svc.users.collect_attachments import CollectAttachments
from resource_svc.users.delete_account import DeleteAccount
from resource_svc.users.find_user import FindUser
from resource_svc.users.keep_user import KeepUser
from resource_svc.users.transactions import UserTransactions
from shared.contracts.services import RESOURCE
from shared.contracts.topology import RESOURCE as SUBSCRIPTION
from shared.database.migrate import MigratedCheck
from shared.messaging.changes import ChangeTeller
from shared.messaging.envelope import EventVerifier
from shared.messaging.lag import QueueMetrics
from shared.messaging.subscriber import Subscriber
from shared.messaging.supervision import supervised
from shared.policy.authority import Authority
from shared.policy.ranks import read_ranks
from shared.policy.standing_files import standing_rules
from shared.process import Service
from shared.web.applications import WebLayer


def create_app(settings: ResourceSettings) -> Service:
    """resource-svc, wired; nothing it stands on has to be there yet."""
    core = Core.of(settings)
    database, outbox, registry = core.database, core.outbox, core.registry
    identity, admin, keys = core.identity, core.admin, core.keys
    nonces = build_nonces(core)

    keep_user = KeepUser(database)
    find_user = FindUser(database, identity, keep_user)
    authority = Authority(read_ranks(settings.ranks_path))
    transactions = UserTransactions(database, identity, keep_user, authority)
    list_labels = ListLabels(database)
    list_profiles = ListProfiles(database)
    collect_attachments = CollectAttachments(database, find_user)
    tell_of_label = TellOfLabel(outbox, standing_rules(settings.config_dir))
    put_private_label = PutPrivateLabel(transactions, tell_of_label)
    remove_private_label = RemovePrivateLabel(tell_of_label)
    apply_labels = ApplyLabels(identity, keep_user)
    second_factor = build_second_factor(
        core, keep_user, find_user, put_private_label, remove_private_label, apply_labels
    )
    tell_of_profile = TellOfProfile(outbox, put_private_label)
    phones = build_phones(core, find_user, put_private_label, remove_private_label, apply_labels)
    demand_second_factor = DemandSecondFactor(database, identity, find_user, keep_user)
    end_api_keys = EndApiKeys(transactions, outbox, keep_user)
    seal = Seal(settings.master_keys)
    documents = build_documents(core, find_user, put_private_label, apply_labels)

    relay = core.relay()
    subscriber = Subscriber(
        settings.broker_url,
        SUBSCRIPTION,
        EventVerifier(keys, settings.jwt_issuer),
        subscriptions.reactions(
            database,
            keep_user,
            TakeOverLabels(tell_of_label, keep_user),
            VerifyEmail(keep_user, put_private_label),
            DeactivateApiKeys(outbox, keep_user),
            end_api_keys,
            second_factor,
            EraseUser(database, outbox, documents),
        ),
        QueueMetrics(registry),
    )

    changes = ChangeTeller(settings.broker_url, RESOURCE, settings.service_keys)
    layer = WebLayer(
        registry, settings.trusted_proxies, changes.tell, log_probes=settings.log_probes
    )
    public = layer.public(PUBLIC, prefix="/api/v2/resource", bearers=core.bearers())
    public[exports.COLLECT_EXPORT] = CollectExport(
        identity,
        admin,
        list_labels,
        list_profiles,
        phones,
        documents,
        ListDataStorages(database),
        ListAllApiKeys(database),
    )
    public[users.CHANGE_DATA] = ChangeData(identity, keep_user)
    public[users.DELETE_ACCOUNT] = DeleteAccount(
        transactions, identity, put_private_label, remove_private_label, apply_labels
    )
    public[PASSWORDS] = build_passwords(core, keep_user)
    public[SESSIONS] = build_sessions(core)
    public[SECOND_FACTOR] = second_factor
    public[ACTIVITIES] = build_activities(core)
    public[labels.LIST_LABELS] = list_labels
    public[labels.FIND_LABEL] = FindLabel(database)
    public[labels.ADD_LABEL] = AddLabel(transactions, tell_of_label)
    public[labels.CHANGE_LABEL] = ChangeLabel(transactions, tell_of_label)
    public[labels.DELETE_LABEL] = DeleteLabel(transactions, tell_of_label)
    public[profiles.LIST_PROFILES] = list_profiles
    public[profiles.CREATE_PROFILE] = CreateProfile(transactions, tell_of_profile, apply_labels)
    public[profiles.CHANGE_PROFILE] = ChangeProfile(transactions, tell_of_profile, apply_labels)
    public[PHONES] = phones
    public[data_storages.CREATE_DATA_STORAGE] = CreateDataStorage(
        transactions,
        outbox,
        put_private_label,
        apply_labels,
        configured_titles(settings.config_dir),
    )
    public[DOCUMENTS] = documents
    public[api_keys.LIST_API_KEYS] = ListApiKeys(database, find_user)
    public[api_keys.CREATE_API_KEY] = CreateApiKey(database, outbox, demand_second_factor, seal)
    public[api_keys.CHANGE_API_KEY] = ChangeApiKey(database, outbox, demand_second_factor)
    public[api_keys.DELETE_API_KEY] = DeleteApiKey(database, outbox, demand_second_factor)
    public[api_keys.SECRETS] = Secrets(settings.vault_shaped_secrets)
    internal = layer.internal(
        INTERNAL,
        service_tokens=core.service_tokens,
        checks={
            "postgresql": MigratedCheck(database, MIGRATIONS),
            "keys": keys.loaded,
        },
        watched={"rabbitmq": subscriber.check},
    )
    internal[attachments.LIST_SETS] = ListSets(database)
    internal[DOCUMENTS] = documents
    internal[users.KEEP_USER] = keep_user
    for app in (public, internal):
        app[COLLECT_ATTACHMENTS] = collect_attachments
    internal[labels.PUT_PRIVATE_LABEL] = put_private_label
    internal[labels.ADMINISTER_LABELS] = AdministerLabels(transactions, tell_of_label, apply_labels)
    internal[profiles.ADMINISTER_PROFILE] = AdministerProfile(
        transactions, tell_of_profile, list_labels, apply_labels
    )
    internal[data_storages.DELETE_DATA_STORAGE] = DeleteDataStorage(transactions, outbox)
    internal[api_keys.LIST_ANY_API_KEYS] = ListAnyApiKeys(database, find_user)
    internal[api_keys.END_API_KEYS] = end_api_keys
    internal[api_keys.FIND_API_KEY] = FindApiKey(database, seal)
    internal[NONCES] = nonces

    return Service(
        name=RESOURCE,
        settings=settings,
        parts=(
            database.opened(),
            identity.opened(),
            admin.opened(),
            phones.opened(),
            documents.uploads.opened(),
            supervised("relay", relay.run),
            supervised("changes", changes.run),
            supervised("subscriber", subscriber.run),
            supervised("upload sweep", documents.uploads.sweep_forever),
            supervised("nonce sweep", nonces.sweep_forever),
        ),
        internal=internal,
        public=public,
        public_port=settings.port,
    )
