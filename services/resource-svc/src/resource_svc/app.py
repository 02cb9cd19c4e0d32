"""Where resource-svc is wired."""

from datetime import timedelta

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
from resource_svc.documents import handlers as documents
from resource_svc.documents.add_documents import AddDocuments
from resource_svc.documents.bucket import Bucket
from resource_svc.documents.configuration import configured_types
from resource_svc.documents.discard_uploads import DiscardUploads
from resource_svc.documents.links import OwnLinks, PresignedLinks
from resource_svc.documents.list_documents import ListDocuments
from resource_svc.documents.open_upload import OpenUpload
from resource_svc.documents.providers import object_storage
from resource_svc.documents.receive_files import Limits, ReceiveFiles
from resource_svc.documents.sweep_uploads import SweepUploads
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
from resource_svc.phones import handlers as phones
from resource_svc.phones.add_phone import AddPhone
from resource_svc.phones.codes import Codes
from resource_svc.phones.destinations import Destinations
from resource_svc.phones.issue_code import IssueCode
from resource_svc.phones.list_phones import ListPhones
from resource_svc.phones.metrics import codes_counter
from resource_svc.phones.mock import Mock
from resource_svc.phones.provider import Provider
from resource_svc.phones.remove_phone import RemovePhone
from resource_svc.phones.send_code import SendCode
from resource_svc.phones.twilio_sms import TwilioSms
from resource_svc.phones.twilio_verify import TwilioVerify
from resource_svc.phones.verify_phone import VerifyPhone
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
    list_phones = ListPhones(database)
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
    phone_provider = _phone_provider(settings)
    codes = Codes(settings.master_keys)
    phone_codes = codes_counter(registry)
    destinations = Destinations(settings.phone_countries, settings.phone_kinds, phone_codes)
    issue_code = IssueCode(codes, settings.phone_codes_per_hour, phone_codes)
    demand_second_factor = DemandSecondFactor(database, identity, find_user, keep_user)
    end_api_keys = EndApiKeys(transactions, outbox, keep_user)
    seal = Seal(settings.master_keys)
    storage = object_storage(settings)
    discard_uploads = DiscardUploads(database, storage)
    sweep_uploads = SweepUploads(database, discard_uploads)
    link_life = timedelta(minutes=settings.upload_link_minutes)
    own_links = OwnLinks(settings.master_keys, link_life)
    links = PresignedLinks(storage, link_life) if isinstance(storage, Bucket) else own_links
    list_documents = ListDocuments(database)

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
            EraseUser(database, outbox, discard_uploads),
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
        list_phones,
        list_documents,
        ListDataStorages(database),
        ListAllApiKeys(database),
        links,
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
    public[phones.LIST_PHONES] = list_phones
    public[phones.ADD_PHONE] = AddPhone(
        database, outbox, find_user, codes, destinations, issue_code, phone_provider
    )
    public[phones.SEND_CODE] = SendCode(
        database, find_user, destinations, issue_code, phone_provider
    )
    remove_phone = RemovePhone(database, outbox, find_user, remove_private_label, apply_labels)
    public[phones.REMOVE_PHONE] = remove_phone
    public[phones.VERIFY_PHONE] = VerifyPhone(
        database,
        outbox,
        codes,
        phone_provider,
        find_user,
        remove_phone,
        put_private_label,
        apply_labels,
    )
    public[data_storages.CREATE_DATA_STORAGE] = CreateDataStorage(
        transactions,
        outbox,
        put_private_label,
        apply_labels,
        configured_titles(settings.config_dir),
    )
    public[documents.LINKS] = links
    public[documents.LIST_DOCUMENTS] = list_documents
    public[documents.OPEN_UPLOAD] = OpenUpload(storage, own_links)
    public[documents.RECEIVE_FILES] = ReceiveFiles(
        database,
        storage,
        discard_uploads,
        Limits(
            extensions=settings.upload_extensions,
            megabytes=settings.upload_megabytes,
            body_bytes=settings.max_body_bytes,
            documents=settings.document_limit,
            storing_seconds=2 * settings.storage_timeout,
        ),
    )
    public[documents.ADD_DOCUMENTS] = AddDocuments(
        database,
        outbox,
        find_user,
        put_private_label,
        apply_labels,
        configured_types(settings.config_dir),
        settings.document_limit,
        settings.expiry_required,
    )
    public[api_keys.LIST_API_KEYS] = ListApiKeys(database, find_user)
    public[api_keys.CREATE_API_KEY] = CreateApiKey(database, outbox, demand_second_factor, seal)
    public[api_keys.CHANGE_API_KEY] = ChangeApiKey(database, outbox, demand_second_factor)
    public[api_keys.DELETE_API_KEY] = DeleteApiKey(database, outbox, demand_second_factor)
    public[api_keys.SECRETS] = Secrets(settings.vault_shaped_secrets)
    internal = layer.internal(
        INTERNAL,
        service_tokens=core.tokens,
        checks={
            "postgresql": MigratedCheck(database, MIGRATIONS),
            "keys": keys.loaded,
        },
        watched={"rabbitmq": subscriber.check},
    )
    internal[attachments.LIST_SETS] = ListSets(database)
    internal[documents.LINKS] = links
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
            phone_provider.opened(),
            storage.opened(),
            supervised("relay", relay.run),
            supervised("changes", changes.run),
            supervised("subscriber", subscriber.run),
            supervised("upload sweep", sweep_uploads.run),
            supervised("nonce sweep", nonces.sweep_forever),
        ),
        internal=internal,
        public=public,
        public_port=settings.port,
    )


def _phone_provider(settings: ResourceSettings) -> Provider:
    account = settings.twilio_account_sid, settings.twilio_auth_token
    match settings.phone_verification:
        case "twilio_sms":
            return TwilioSms(
                settings.twilio_url,
                *account,
                settings.twilio_phone_number,
                settings.sms_content_template,
            )
        case "twilio_verify":
            return TwilioVerify(settings.twilio_verify_url, *account, settings.twilio_service_sid)
        case _:
            return Mock()
