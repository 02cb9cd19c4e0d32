"""The operator's own signing key, and what may be wrong with its file."""

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from identity_svc.operator_key import read_operator_key, thumbprint
from identity_svc.settings import IdentitySettings
from shared.settings import SettingsError, load_settings
from tests.support.system import KEY

ENVIRONMENT = {
    "DATABASE_URL": "postgresql://nowhere/",
    "BARONG_SERVICE_KEYS": KEY,
    "BARONG_MASTER_KEYS": KEY,
}


def pem(key: PrivateKeyTypes, passphrase: bytes | None = None) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase)
        if passphrase
        else serialization.NoEncryption(),
    )


def test_the_kid_is_the_thumbprint_of_rfc_7638() -> None:
    n = (  # the example of RFC 7638, 3.1
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJE"
        "CPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2Q"
        "vzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6"
        "WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
    )
    number = int.from_bytes(base64.urlsafe_b64decode(n + "=" * (-len(n) % 4)))
    key = rsa.RSAPublicNumbers(65537, number).public_key()
    assert thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_a_good_key_is_read_and_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_bytes(pem(rsa.generate_private_key(65537, 2048)))
    settings = load_settings(IdentitySettings, {**ENVIRONMENT, "JWT_PRIVATE_KEY_PATH": str(file)})
    assert settings.operator_key == read_operator_key(str(file))
    assert "RSAPrivateKey" not in repr(settings)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (None, "cannot be read: No such file or directory"),
        (b"", "holds no private key in PEM format"),
        (b"\xff\x00", "holds no private key in PEM format"),
        (pem(rsa.generate_private_key(65537, 2048), b"secret"), "is protected by a passphrase"),
        (pem(rsa.generate_private_key(65537, 1024)), "holds no RSA key of 2048 bits or more"),
        (pem(ec.generate_private_key(ec.SECP256R1())), "holds no RSA key of 2048 bits or more"),
    ],
)
def test_a_bad_file_is_told_at_the_start(tmp_path: Path, content: bytes | None, fault: str) -> None:
    file = tmp_path / "key.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load_settings(IdentitySettings, {**ENVIRONMENT, "JWT_PRIVATE_KEY_PATH": str(file)})
    assert caught.value.faults == (f"JWT_PRIVATE_KEY_PATH: {file} {fault}.",)
