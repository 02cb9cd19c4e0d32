"""What stands in for a passkey's credential is refused, whatever it is."""

import pytest
from marshmallow import ValidationError

from identity_svc.passkeys.schemas import CredentialField


@pytest.mark.parametrize(
    "value",
    [object(), [object()], {"id": object()}, "[1]", "{", "null", "[" * 100_000, "x" * 100_000],
)
def test_what_is_no_credential_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        CredentialField().deserialize(value, "credential", {"credential": value})
