"""Features of admin-svc over a test's own database, without the services that own users."""

from prometheus_client import CollectorRegistry, Counter

from admin_svc.activities.partitions import TABLE
from admin_svc.activities.use_cases import Activities
from admin_svc.audit.use_cases import AuditTrail
from admin_svc.directory.use_cases import Directory
from admin_svc.user_counts.use_cases import UserCounts
from shared.clients.resource import ResourceClient
from shared.contracts.services import ADMIN
from shared.crypto.key_ring import KeyRing
from shared.database.partitions import MonthlyPartitions
from shared.database.pool import Database
from shared.tokens.service import ServiceTokens
from tests.support.system import KEY

_NOWHERE = "http://127.0.0.1:9"


def directory_over(database: Database) -> Directory:
    """A directory whose owners do not answer."""
    tokens = ServiceTokens(ADMIN, KeyRing.parse(KEY))
    return Directory(database, UserCounts(database), ResourceClient(_NOWHERE, tokens))


def activities_over(database: Database, **bounds: int) -> Activities:
    """The audit log; `bounds` are its `exact` and `deepest`."""
    stored = Counter("activities_stored", "", ("category", "outcome"), registry=CollectorRegistry())
    return Activities(
        database, directory_over(database), MonthlyPartitions(database, TABLE), stored, **bounds
    )


def audit_trail_over(database: Database) -> AuditTrail:
    """The audit trail."""
    return AuditTrail(database, directory_over(database))
