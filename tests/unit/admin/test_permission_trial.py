"""A trial of permissions and the gateway's compiled policy agree, whatever the rules."""

from hypothesis import given
from hypothesis import strategies as st

from admin_svc.permissions.models import Trial, checked
from admin_svc.permissions.schemas import trial_to_public
from authz_gateway.authz.policy import CompiledPolicy
from shared.contracts.policy import Permission, Policy
from shared.policy.paths import canonical
from shared.policy.permissions import CompiledPermissions, verdict_of

SEGMENTS = st.sampled_from(["a", "b", "ab", "c:d", "admin", "users", "api", "v2", "barong"])
PATHS = st.lists(SEGMENTS, min_size=1, max_size=5).map("/".join)
RULES = st.builds(
    Permission,
    role=st.sampled_from(["member", "admin"]),
    verb=st.sampled_from(["get", "POST", "all", "HEAD"]),
    path=PATHS,
    action=st.sampled_from(["ACCEPT", "accept", "DROP", "audit"]),
    topic=st.sampled_from([None, "t1", "t2"]),
)
VERBS = st.sampled_from(["GET", "HEAD", "POST", "PUT"])


@given(st.lists(RULES, max_size=10), st.sampled_from(["member", "admin", "nobody"]), VERBS, PATHS)
def test_they_agree(rules: list[Permission], role: str, verb: str, path: str) -> None:
    stored = tuple(map(checked, rules))
    asked = canonical(f"/{path}")

    decided = CompiledPolicy(Policy(1, stored)).decide(role, verb, asked)
    of_role = [rule for rule in stored if rule.role == role]
    matching = CompiledPermissions(of_role).matching(role, verb, asked)
    tried = trial_to_public(Trial(asked, verdict_of(matching), matching, ()))

    assert tried["allowed"] == decided.allowed
    assert tried["audited"] == decided.audited
    assert tried["topic"] == decided.topic
    assert (tried["action"] == "ACCEPT") == decided.allowed
    assert all(rule.role == role for rule in matching)
