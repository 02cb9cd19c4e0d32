"""The two ceremonies of WebAuthn Level 3: options for a browser, and the check of its answer.

The library checks structure and signatures. Rules with an error code of their own are checked here.
"""

import base64
import json
import secrets
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import options_to_json_dict
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from identity_svc.passkeys.models import (
    CHALLENGE_SECONDS,
    MAX_PUBLIC_KEY,
    Challenge,
    InvalidCredential,
    InvalidOrigin,
    NewPasskey,
    Passkey,
    RelyingParty,
    UsedPasskey,
    UserNotVerified,
)
from shared.contracts.users import User

Credential = Mapping[str, Any]
"""What a browser's PublicKeyCredential says of itself with `toJSON()`."""

_ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
_TRANSPORTS = {each.value for each in AuthenticatorTransport}
_MAX_COUNT = 2**32 - 1  # WebAuthn Level 3, 6.1


def new_challenge() -> bytes:
    """32 random bytes."""
    return secrets.token_bytes(32)


def creation_options(
    party: RelyingParty, user: User, challenge: bytes, existing: Sequence[Passkey]
) -> dict[str, Any]:
    """What a browser needs to add a passkey: discoverable, and for a user whom it verifies.

    The handle of the user is the uid, which says nothing about the person.
    """
    options = generate_registration_options(
        rp_id=party.id,
        rp_name=party.name,
        user_id=user.uid.encode(),
        user_name=user.email,
        user_display_name=user.email,
        challenge=challenge,
        timeout=CHALLENGE_SECONDS * 1000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED,
            user_verification=UserVerificationRequirement.REQUIRED,
        ),
        exclude_credentials=[_descriptor(each) for each in existing],
        supported_pub_key_algs=_ALGORITHMS,
    )
    return options_to_json_dict(options)


def request_options(
    party: RelyingParty, challenge: bytes, allowed: Sequence[Passkey] = ()
) -> dict[str, Any]:
    """What a browser needs to use one of the allowed passkeys, or any that it finds."""
    options = generate_authentication_options(
        rp_id=party.id,
        challenge=challenge,
        timeout=CHALLENGE_SECONDS * 1000,
        allow_credentials=[_descriptor(each) for each in allowed],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json_dict(options)


def challenge_of(credential: Credential) -> bytes:
    """The challenge that the browser says it answers; raises `InvalidCredential`."""
    return _decoded(_client_data(credential).get("challenge"))


def credential_id_of(credential: Credential) -> bytes:
    """The id of the credential; raises `InvalidCredential`."""
    return _decoded(credential.get("rawId"))


def user_handle_of(credential: Credential) -> str:
    """The uid that the authenticator stores with the passkey; blank if it gives none."""
    handle = _response(credential).get("userHandle")
    return _decoded(handle).decode("utf-8", "replace") if handle else ""


def verify_creation(
    party: RelyingParty, challenge: Challenge, credential: Credential
) -> NewPasskey:
    """The passkey; raises `InvalidOrigin`, `UserNotVerified` or `InvalidCredential`."""
    _require_origin(party, credential)
    try:
        verified = verify_registration_response(
            credential=dict(credential),
            expected_challenge=challenge.value,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            supported_pub_key_algs=_ALGORITHMS,
        )
        aaguid = uuid.UUID(verified.aaguid)
    except Exception:  # noqa: BLE001 - what a client sent makes the library fail in many ways
        raise InvalidCredential from None
    if not verified.user_verified:
        raise UserNotVerified
    if len(verified.credential_public_key) > MAX_PUBLIC_KEY:
        raise InvalidCredential
    told = _response(credential).get("transports")
    transports = [each for each in told if each in _TRANSPORTS] if isinstance(told, list) else []
    return NewPasskey(
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        aaguid=aaguid,
        transports=tuple(dict.fromkeys(transports)),
        backup_eligible=verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE,
        backed_up=verified.credential_backed_up,
    )


def verify_use(
    party: RelyingParty, challenge: Challenge, credential: Credential, passkey: Passkey
) -> UsedPasskey:
    """The use of a passkey, whose counter is still to be compared.

    Raises `InvalidOrigin`, `UserNotVerified` or `InvalidCredential`.
    """
    _require_origin(party, credential)
    try:
        verified = verify_authentication_response(
            credential=dict(credential),
            expected_challenge=challenge.value,
            expected_rp_id=party.id,
            expected_origin=list(party.origins),
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,
        )
    except Exception:  # noqa: BLE001 - what a client sent makes the library fail in many ways
        raise InvalidCredential from None
    if not verified.user_verified:
        raise UserNotVerified
    multi_device = verified.credential_device_type is CredentialDeviceType.MULTI_DEVICE
    if multi_device is not passkey.backup_eligible:  # WebAuthn Level 3, 7.2, step 19
        raise InvalidCredential
    return UsedPasskey(
        passkey, min(verified.new_sign_count, _MAX_COUNT), verified.credential_backed_up
    )


def _require_origin(party: RelyingParty, credential: Credential) -> None:
    client_data = _client_data(credential)
    if client_data.get("origin") not in party.origins or client_data.get("crossOrigin") is True:
        raise InvalidOrigin


def _client_data(credential: Credential) -> Mapping[str, Any]:
    try:
        data = json.loads(_decoded(_response(credential).get("clientDataJSON")))
    except (ValueError, RecursionError):
        raise InvalidCredential from None
    if not isinstance(data, dict):
        raise InvalidCredential
    return data


def _response(credential: Credential) -> Mapping[str, Any]:
    response = credential.get("response")
    if not isinstance(response, dict):
        raise InvalidCredential
    return response


def _decoded(text: Any) -> bytes:
    """The bytes of base64url without padding."""
    if not isinstance(text, str) or not text:
        raise InvalidCredential
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise InvalidCredential from None


def _descriptor(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(
        id=passkey.credential_id,
        transports=[AuthenticatorTransport(each) for each in passkey.transports],
    )
