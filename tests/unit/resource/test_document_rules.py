"""What a document may be, what a file is, and which links are ours."""

import base64
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from resource_svc.documents.bucket import Bucket
from resource_svc.documents.configuration import configured_types
from resource_svc.documents.links import SignedLinks
from resource_svc.documents.models import (
    AlreadyExpired,
    BadLink,
    ExpiryNotADate,
    NoExpiry,
    parse_expiry,
)
from resource_svc.documents.providers import object_storage
from resource_svc.documents.reception import Deadline, IncomingFile, sanitized
from resource_svc.file_types import FILE_TYPES, HEAD_BYTES, extension_of, extensions
from resource_svc.settings import ResourceSettings
from shared.crypto.key_ring import KeyRing
from shared.settings import SettingsError, load_settings

TODAY = date(2026, 11, 22)
KEY = base64.b64encode(bytes(32)).decode()
OTHER_KEY = base64.b64encode(bytes([1] * 32)).decode()
ENVIRONMENT = {
    "DATABASE_URL": "postgresql://localhost/x",
    "BARONG_SERVICE_KEYS": f"k:{KEY}",
    "BARONG_MASTER_KEYS": f"k:{KEY}",
}
BUCKET = {"BARONG_STORAGE_BUCKET_NAME": "docs"}
KEYS = {"BARONG_STORAGE_ACCESS_KEY": "id", "BARONG_STORAGE_SECRET_KEY": KEY}


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-22", TODAY),
        ("22/11/2026", TODAY),
        ("22-11-2026", TODAY),
        (" 2026-11-22 ", TODAY),
    ],
)
@pytest.mark.parametrize("required", [True, False])
def test_a_document_is_good_until_its_last_day(text: str, day: date, required: bool) -> None:
    assert parse_expiry(text, required=required, today=TODAY) == day


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        (None, NoExpiry),
        ("", NoExpiry),
        ("  ", ExpiryNotADate),
        ("never", ExpiryNotADate),
        ("2027-02-29", ExpiryNotADate),
        ("1/1/2030", ExpiryNotADate),
        ("2030/01/01", ExpiryNotADate),
        ("0000-01-01", ExpiryNotADate),
        ("2026-11-21", AlreadyExpired),
    ],
)
def test_a_required_expiry_is_a_day_to_come(text: str | None, refusal: type[Exception]) -> None:
    with pytest.raises(refusal):
        parse_expiry(text, required=True, today=TODAY)


def test_where_no_expiry_is_required_it_may_be_absent_or_past_but_not_nonsense() -> None:
    assert [parse_expiry(text, required=False, today=TODAY) for text in (None, "", " ")] == [
        None
    ] * 3
    assert parse_expiry("2000-01-01", required=False, today=TODAY) == date(2000, 1, 1)
    with pytest.raises(ExpiryNotADate):
        parse_expiry("never", required=False, today=TODAY)


@pytest.mark.parametrize(
    ("filename", "extension"),
    [("a.png", "png"), ("a.tar.PNG", "png"), ("png", ""), (".png", ""), ("a.", ""), ("", "")],
)
def test_an_extension_is_what_follows_a_name(filename: str, extension: str) -> None:
    assert extension_of(filename) == extension


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a.png", "a.png"),
        ("A b.PNG", "A_b.png"),
        ("../../etc/passwd", "passwd"),
        (r"C:\scans\pass.jpg", "pass.jpg"),
        ('a"\r\nX: y.png', "a_X_y.png"),
        ("паспорт.pdf", "_.pdf"),
        ("..", ".."),
        ("x" * 300 + ".png", "x" * 97 + ".png"),
        ("a." + "e" * 300, "a." + "e" * 16),
        ("", ""),
    ],
)
def test_a_filename_is_plain(sent: str, kept: str) -> None:
    assert sanitized(sent) == kept


def test_no_file_is_of_two_kinds() -> None:
    heads = {
        "jpg": b"\xff\xd8\xff\xdb",
        "png": b"\x89PNG\r\n\x1a\n",
        "pdf": b"%PDF-1.4",
        "gif": b"GIF89a",
        "webp": b"RIFF\x00\x00\x00\x00WEBP",
        "heic": b"\x00\x00\x00\x18ftypheic",
        "tiff": b"II*\x00",
    }
    for extension, head in heads.items():
        kinds = {kind for kind in FILE_TYPES.values() if kind.begins(head.ljust(16, b"\n"))}
        assert kinds == {FILE_TYPES[extension]}


def test_only_extensions_that_can_be_checked_are_taken() -> None:
    assert extensions("JPG, .png,pdf") == ("jpg", "png", "pdf")
    with pytest.raises(ValueError, match="svg"):
        extensions("jpg,svg")


async def test_a_file_is_read_whole_after_its_beginning_was_seen() -> None:
    sent = bytes(range(250)) * 8

    async def pieces() -> AsyncIterator[bytes]:
        for byte in sent:
            yield bytes([byte])

    file = IncomingFile(pieces(), 2000, Deadline(10, 10))
    assert await file.head() == sent[:HEAD_BYTES]
    assert b"".join([chunk async for chunk in file]) == sent


async def test_a_link_is_good_for_its_file_and_time() -> None:
    now = datetime(2026, 11, 22, tzinfo=UTC).timestamp()

    def signer(keys: str) -> SignedLinks:
        return SignedLinks(KeyRing.parse(keys), timedelta(minutes=1), clock=lambda: now)

    old = signer(f"a:{KEY}")
    (link,) = await old.sign(["document/upload/0/a+b.png"])
    path, _, query = link.partition("?")
    assert path == "/api/v2/barong/resource/uploads/document/upload/0/a%2Bb.png"
    sent = dict(pair.split("=") for pair in query.split("&"))
    good = {"key": "document/upload/0/a+b.png", **sent}
    # Keys may be changed while links are about.
    new = signer(f"b:{OTHER_KEY},a:{KEY}")
    for links in (old, new):
        links.check(**good)
    bad: list[Callable[[], None]] = [
        lambda: signer(f"b:{OTHER_KEY}").check(**good),
        lambda: old.check(**good | {"key": "document/upload/1/a+b.png"}),
        lambda: old.check(**good | {"expires": str(int(sent["expires"]) + 1)}),
        lambda: old.check(**good | {"expires": "²"}),
        lambda: old.check(**good | {"expires": "9" * 5000}),
        lambda: old.check(**good | {"signature": sent["signature"].upper() + "é"}),
        lambda: old.check(**good | {"signature": ""}),
    ]
    for attempt in bad:
        with pytest.raises(BadLink):
            attempt()
    now += 61
    with pytest.raises(BadLink):
        old.check(**good)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"BARONG_STORAGE_PROVIDER": "aws"}, "BARONG_STORAGE_BUCKET_NAME: aws needs it."),
        (
            {"BARONG_STORAGE_PROVIDER": "alicloud", **BUCKET, **KEYS},
            "BARONG_STORAGE_ENDPOINT: alicloud needs it.",
        ),
        (
            {"BARONG_STORAGE_PROVIDER": "azure", **BUCKET},
            "BARONG_STORAGE_ACCESS_KEY: azure needs it.",
        ),
        (
            {"BARONG_UPLOAD_SIZE_MAX_RANGE": "32"},
            "BARONG_MAX_BODY_BYTES: a file of BARONG_UPLOAD_SIZE_MAX_RANGE does not fit.",
        ),
        (
            {"BARONG_UPLOAD_SPOOL_SIZE": "9"},
            "BARONG_UPLOAD_SPOOL_SIZE: a file of BARONG_UPLOAD_SIZE_MAX_RANGE does not fit.",
        ),
        (
            {"BARONG_ENV": "production"},
            "BARONG_STORAGE_FOLDER: production says where uploaded files lie.",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_told(given: dict[str, str], fault: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings(ResourceSettings, ENVIRONMENT | given)
    assert fault in raised.value.faults


def test_a_spool_folder_that_is_not_there_is_told() -> None:
    given = {"BARONG_STORAGE_PROVIDER": "aws", **BUCKET, "BARONG_UPLOAD_SPOOL_FOLDER": "/nowhere"}
    with pytest.raises(SettingsError) as raised:
        object_storage(load_settings(ResourceSettings, ENVIRONMENT | given))
    assert raised.value.faults == ("BARONG_UPLOAD_SPOOL_FOLDER: /nowhere is no folder.",)


@pytest.mark.parametrize(
    ("given", "begins"),
    [
        (
            {"BARONG_STORAGE_PROVIDER": "aws", "BARONG_STORAGE_REGION": "eu-west-1"},
            "https://docs.s3.eu-west-1.amazonaws.com/a.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&",
        ),
        (
            {"BARONG_STORAGE_PROVIDER": "aws", "BARONG_STORAGE_ENDPOINT": "http://minio:9000"},
            "http://docs.minio:9000/a.png?",
        ),
        (
            {
                "BARONG_STORAGE_PROVIDER": "aws",
                "BARONG_STORAGE_ENDPOINT": "http://minio:9000/",
                "BARONG_STORAGE_PATHSTYLE": "true",
            },
            "http://minio:9000/docs/a.png?",
        ),
        (
            {
                "BARONG_STORAGE_PROVIDER": "alicloud",
                "BARONG_STORAGE_ENDPOINT": "https://s3.oss-cn-hongkong.aliyuncs.com",
            },
            "https://docs.s3.oss-cn-hongkong.aliyuncs.com/a.png?",
        ),
        (
            {"BARONG_STORAGE_PROVIDER": "google"},
            "https://docs.storage.googleapis.com/a.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&",
        ),
        (
            {"BARONG_STORAGE_PROVIDER": "azure"},
            "https://id.blob.core.windows.net/docs/a.png?",
        ),
    ],
)
async def test_links_lead_to_the_provider(given: dict[str, str], begins: str) -> None:
    settings = load_settings(ResourceSettings, ENVIRONMENT | BUCKET | KEYS | given)
    storage = object_storage(settings)
    assert isinstance(storage, Bucket)
    (link,) = await storage.sign(["a.png"], timedelta(minutes=1))
    assert link.startswith(begins)


@pytest.mark.parametrize(
    "given",
    [
        {"BARONG_STORAGE_PROVIDER": "azure", **KEYS, "BARONG_STORAGE_SECRET_KEY": "not base64!"},
        {"BARONG_STORAGE_PROVIDER": "google", "BARONG_STORAGE_SECRET_KEY": "{}"},
        {"BARONG_STORAGE_PROVIDER": "local", "BARONG_STORAGE_FOLDER": "/dev/null/uploads"},
    ],
)
def test_what_is_no_storage_is_a_fault_of_the_settings(given: dict[str, str]) -> None:
    settings = load_settings(ResourceSettings, ENVIRONMENT | BUCKET | given)
    with pytest.raises(SettingsError, match="BARONG_STORAGE_PROVIDER"):
        object_storage(settings)


def test_types_say_whether_they_expire(tmp_path: Path) -> None:
    file = tmp_path / "document_types.yaml"
    file.write_text("types: [Passport, {name: Bill, expires: false}, {name: Card}]")
    assert configured_types(str(tmp_path)) == {"Passport": True, "Bill": False, "Card": True}


@pytest.mark.parametrize(
    "types",
    ["[]", "x", "[1]", "[' ']", "[{name: x, expires: never}]", "[{name: x, ends: true}]", "[{}]"],
)
def test_what_names_no_types(tmp_path: Path, types: str) -> None:
    (tmp_path / "document_types.yaml").write_text(f"types: {types}")
    with pytest.raises(SettingsError):
        configured_types(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "head"),
    [
        ("a.pdf", b"\xef\xbb\xbf%PDF-1.7\n"),
        ("a.pdf", b"\r\n" * 512 + b"%PDF-1.4"),
        ("a.pdf", b"\x1b%-12345X@PJL\r\n%PDF-1.3"),
        ("a.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF\x00"),
        ("a.jpg", b"\xff\xd8\xff\xe1\x2f\xfeExif\x00\x00"),
        ("a.jpg", b"\xff\xd8\xff\xee\x00\x0eAdobe\x00"),
        ("a.JPEG", b"\xff\xd8\xff\xdb\x00\x43\x00"),
        ("a.heic", b"\x00\x00\x00\x24ftyphevc\x00\x00"),
        ("a.tif", b"II+\x00\x08\x00\x00\x00"),
    ],
)
def test_files_of_common_programs_are_known(name: str, head: bytes) -> None:
    assert FILE_TYPES[extension_of(name)].begins(head)


@pytest.mark.parametrize(
    "before", [b" " * 1025, b"<html>", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\0"]
)
def test_a_header_that_comes_late_or_behind_another_file_is_none(before: bytes) -> None:
    assert not FILE_TYPES["pdf"].begins(before + b"%PDF-1.7")
