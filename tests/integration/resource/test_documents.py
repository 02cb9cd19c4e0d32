"""/resource/documents and the links to uploaded files, through the gateway."""

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from shared.process import running
from tests.support.client import Answer, Client
from tests.support.events import Ear
from tests.support.internal import put_private_label, tables_of_resource
from tests.support.system import Installation
from tests.support.waiting import until

pytestmark = pytest.mark.usefixtures("no_old_uploads")

DOCUMENTS = "resource/documents"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
JPG = b"\xff\xd8\xff\xe0" + bytes(100)
PDF = b"%PDF-1.7\n" + bytes(100)
MEGABYTE = 2**20
FULL = {
    "doc_type": "Passport",
    "doc_number": "AA-12 34",
    "doc_expire": "3020-01-22",
    "metadata": '{"country":"UA"}',
}
TOO_LARGE = PNG.ljust(10 * MEGABYTE + 1, b"x")
SPACES = "   "
EXE = 'upload.You are not allowed to upload "exe" files, allowed types: jpg, jpeg, png, pdf'
NO_EXTENSION = 'upload.You are not allowed to upload "" files, allowed types: jpg, jpeg, png, pdf'
NO_TYPE = ["resource.document.missing_doc_type", "resource.document.empty_doc_type"]
NO_NUMBER = ["resource.document.missing_doc_number", "resource.document.empty_doc_number"]
NO_UPLOAD = ["resource.document.missing_upload"]

File = tuple[str, bytes]
A_PNG: File = ("a.png", PNG)


@pytest.fixture(scope="module")
async def member(system: Installation) -> AsyncIterator[Client]:
    """A member who has no documents and gets none."""
    async with Client(system) as made:
        await made.become_member()
        yield made


@pytest.fixture(scope="module")
async def link(system: Installation) -> AsyncIterator[str]:
    """The link to a file of somebody else's."""
    async with Client(system) as made:
        await made.become_member()
        yield (await upload(made)).body["upload"]["url"]


def form_of(fields: Mapping[str, str], files: Sequence[File], *, files_first: bool = False) -> Any:
    """A form as browsers send it."""
    form = aiohttp.FormData(quote_fields=False, default_to_multipart=True)

    def add_files() -> None:
        for name, content in files:
            form.add_field("upload[]", io.BytesIO(content), filename=name, content_type="image/png")

    if files_first:
        add_files()
    for name, value in fields.items():
        form.add_field(name, value)
    if not files_first:
        add_files()
    return form


async def upload(client: Client, *files: File, first: bool = False, **fields: str) -> Answer:
    form = form_of(FULL | fields, files or [A_PNG], files_first=first)
    return await client.post(DOCUMENTS, form)


async def read(system: Installation, url: str) -> bytes:
    """The file at a link, as anybody may read it."""
    async with aiohttp.ClientSession(system.gateway_url) as anybody, anybody.get(url) as got:
        return await got.read()


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in FULL.items() if name not in names}


def stored(system: Installation) -> set[str]:
    """What lies in the folder of uploads."""
    folder = Path(system.environments["resource"]["BARONG_STORAGE_FOLDER"])
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


async def pending(system: Installation) -> int:
    async with tables_of_resource(system) as tables:
        return int(await tables.fetchval("SELECT count(*) FROM pending_uploads"))


async def test_an_uploaded_file_is_a_document(
    client: Client, system: Installation, ear: Ear
) -> None:
    uid = (await client.become_member()).body["uid"]
    answer = await upload(client, ("my pass/../port é.PNG", PNG))
    assert answer.status == 201
    url = answer.body["upload"].pop("url")
    assert answer.body == {
        "upload": {},
        "doc_type": "Passport",
        "doc_number": "AA-12 34",
        "doc_expire": "3020-01-22",
    }
    (document,) = (await client.get(DOCUMENTS)).body
    assert document["upload"].pop("url").partition("?")[0] == url.partition("?")[0]
    assert document == answer.body

    async with aiohttp.ClientSession(system.gateway_url) as anybody:
        async with anybody.get(url) as got:
            assert (got.status, await got.read()) == (200, PNG)
            assert got.headers["Content-Type"] == "image/png"
            assert got.headers["Content-Disposition"] == 'attachment; filename="port_.png"'
            assert got.headers["X-Content-Type-Options"] == "nosniff"
        async with anybody.head(url) as head:
            assert (head.status, head.headers["Content-Length"]) == (200, str(len(PNG)))

    label = (await client.get("resource/labels")).body[-1]
    assert (label["key"], label["value"], label["scope"]) == ("document", "pending", "private")

    heard = await ear.of(client.email, 7)
    (event,) = [event for event in heard if event.name == "model.document.created"]
    assert event.record["user"]["uid"] == uid
    assert event.record["upload"].startswith("%2Fuploads%2Fdocument%2Fupload%2F")
    assert event.record["upload"].endswith("%2Fport_.png")
    assert set(event.record) == {
        *("user", "upload", "doc_type", "doc_number", "doc_expire", "metadata"),
        *("created_at", "updated_at"),
    }
    assert event.record["metadata"] == FULL["metadata"]
    snapshot = event.snapshot["document"]
    assert (snapshot["uid"], snapshot["version"]) == (uid, 1)
    assert f"%2Fuploads%2F{snapshot['upload'].replace('/', '%2F')}" == event.record["upload"]


REFUSED: list[tuple[dict[str, str], list[File], int, list[str]]] = [
    ({}, [], 400, [*NO_TYPE, *NO_NUMBER, *NO_UPLOAD]),
    (without("doc_type"), [A_PNG], 400, NO_TYPE),
    *((FULL | {"doc_type": blank}, [A_PNG], 400, NO_TYPE[1:]) for blank in ("", SPACES)),
    (without("doc_number"), [A_PNG], 400, NO_NUMBER),
    *((FULL | {"doc_number": blank}, [A_PNG], 400, NO_NUMBER[1:]) for blank in ("", SPACES)),
    (without("doc_expire"), [A_PNG], 422, ["resource.documents.invalid_format"]),
    (FULL | {"doc_expire": ""}, [A_PNG], 422, ["resource.documents.invalid_format"]),
    *(
        (FULL | {"doc_expire": bad}, [A_PNG], 422, ["resource.documents.expire_not_a_date"])
        for bad in (SPACES, "nope", "2030-13-45", "30/02/2030", "2030-1-1x", "\u0663020-01-22")
    ),
    (FULL, [], 400, NO_UPLOAD),
    (FULL | {"upload[]": "nope"}, [], 422, ["upload.blank"]),
    (FULL | {"upload": "nope"}, [], 422, ["upload.blank"]),
    *(
        (FULL | {"doc_expire": past}, [A_PNG], 422, ["resource.documents.already_expired"])
        for past in ("2000-01-01", "01/01/2000")
    ),
    *(
        (FULL | {"doc_type": bad}, [A_PNG], 422, ["doc_type.inclusion"])
        for bad in ("Nope", "passport", "Passport\x01")
    ),
    *(
        (FULL | {"doc_number": bad}, [A_PNG], 422, ["doc_number.invalid"])
        for bad in ("AA_1", "a.b", "Я1", "a\tb", "a\x02")
    ),
    (FULL | {"doc_number": "x" * 129}, [A_PNG], 422, ["doc_number.too_long"]),
    *(
        (FULL | {"metadata": bad}, [A_PNG], 422, ["metadata.invalid_format"])
        for bad in ("nope", "{", "NaN", "[" * 5000)
    ),
    (FULL | {"metadata": json.dumps("x" * 9000)}, [A_PNG], 422, ["metadata.too_long"]),
    (FULL, [("a.exe", PNG)], 422, [EXE, "upload.blank"]),
    (FULL, [A_PNG, ("b.exe", b"MZ")], 422, [EXE, "upload.blank"]),
    (FULL, [("b.exe", b"MZ"), A_PNG], 422, [EXE, "upload.blank"]),
    (FULL, [("png", PNG)], 422, [NO_EXTENSION, "upload.blank"]),
    (FULL, [(".png", PNG)], 422, [NO_EXTENSION, "upload.blank"]),
    (
        FULL,
        [("a.png", b"")],
        422,
        ["upload.File size should be greater than 1 Byte", "upload.blank"],
    ),
    (
        FULL,
        [("a.png", TOO_LARGE)],
        422,
        ["upload.File size should be less than 10 MB", "upload.blank"],
    ),
    *(
        (FULL, [(name, content)], 422, ["upload.content_mismatch", "upload.blank"])
        for name, content in (
            ("a.png", JPG),
            ("a.jpg", PDF),
            ("a.pdf", PNG),
            ("a.jpeg", b"MZ\x90"),
            ("a.png", b"\x89PN"),
            ("a.pdf", b"<html>%PDF-"),
        )
    ),
    (
        FULL | {"doc_type": "Nope", "metadata": "nope", "doc_number": "a_"},
        [("a.exe", PNG)],
        422,
        [
            *(EXE, "upload.blank", "doc_type.inclusion"),
            *("metadata.invalid_format", "doc_number.invalid"),
        ],
    ),
]


@pytest.mark.parametrize("files_first", [True, False])
@pytest.mark.parametrize(("fields", "files", "status", "codes"), REFUSED)
async def test_what_is_wrong_is_refused(
    member: Client,
    system: Installation,
    fields: dict[str, str],
    files: list[File],
    status: int,
    codes: list[str],
    files_first: bool,
) -> None:
    before = stored(system)
    answer = await member.post(DOCUMENTS, form_of(fields, files, files_first=files_first))
    assert (answer.status, answer.errors) == (status, codes)
    assert (await member.get(DOCUMENTS)).body == []
    assert stored(system) == before
    assert await pending(system) == 0


async def test_parameters_come_from_everywhere_but_files_in_multipart_only(member: Client) -> None:
    bodies: list[dict[str, Any]] = [
        {"json": FULL},
        {"json": FULL | {"upload": []}},
        {"form": FULL},
        {"params": FULL},
    ]
    for body in bodies:
        answer = await member.post(DOCUMENTS, **body)
        assert (answer.status, answer.errors) == (400, NO_UPLOAD)
    for value in (1, "x", ["x"], {"filename": "a.png"}, [None]):
        answer = await member.post(DOCUMENTS, json=FULL | {"upload": value})
        assert (answer.status, answer.errors) == (422, ["upload.blank"])
    picture: Any = b"x"
    answer = await member.post(DOCUMENTS, picture, headers={"Content-Type": "image/png"})
    assert (answer.status, answer.errors) == (415, ["request.unsupported_media_type"])


async def test_dates_as_front_ends_send_them(client: Client) -> None:
    await client.become_member()
    for sent in ("3020-01-22", "22/01/3020", "22-01-3020"):
        assert (await upload(client, doc_expire=sent)).body["doc_expire"] == "3020-01-22"


async def test_files_of_every_allowed_kind(client: Client) -> None:
    await client.become_member()
    files = [("a.png", PNG), ("b.JPG", JPG), ("c.jpeg", JPG), ("d.pdf", PDF)]
    assert (await upload(client, *files, first=True)).status == 201
    urls = [document["upload"]["url"] for document in (await client.get(DOCUMENTS)).body]
    names = [url.partition("?")[0].rpartition("/")[2] for url in urls]
    assert names == ["a.png", "b.jpg", "c.jpeg", "d.pdf"]


async def test_the_largest_file_is_kept_whole(client: Client, system: Installation) -> None:
    await client.become_member()
    content = PNG.ljust(10 * MEGABYTE, b"x")
    answer = await upload(client, *([("a.png", content)] * 3))
    assert answer.status == 201
    assert await read(system, answer.body["upload"]["url"]) == content


async def test_more_than_a_body_may_have_is_refused(member: Client, system: Installation) -> None:
    before = stored(system)
    answer = await upload(member, *([("a.png", PNG.ljust(9 * MEGABYTE, b"x"))] * 4))
    assert (answer.status, answer.errors) == (413, ["request.too_large"])
    assert stored(system) == before


async def test_the_limit_counts_files(client: Client) -> None:
    await client.become_member()
    assert (await upload(client, *[A_PNG] * 4)).status == 201
    refused = await upload(client, *[A_PNG] * 7)
    assert (refused.status, refused.errors) == (400, ["resource.documents.limit_will_be_reached"])
    assert (await upload(client, *[A_PNG] * 6)).status == 201
    refused = await upload(client)
    assert (refused.status, refused.errors) == (400, ["resource.documents.limit_will_be_reached"])
    assert len((await client.get(DOCUMENTS)).body) == 10


@pytest.mark.parametrize("name", ["upload", "upload[]", "upload[0]", "upload[passport]", "upload["])
async def test_a_file_may_stand_under_any_key_of_the_parameter(client: Client, name: str) -> None:
    await client.become_member()
    form = form_of(FULL, [])
    form.add_field(name, io.BytesIO(PNG), filename="a.png", content_type="image/png")

    assert (await client.post(DOCUMENTS, form)).status == 201
    assert len((await client.get(DOCUMENTS)).body) == 1


async def test_a_file_that_another_of_its_name_hides_counts_all_the_same(client: Client) -> None:
    await client.become_member()
    assert (await upload(client, *[A_PNG] * 9)).status == 201
    form = form_of(FULL, [])
    for _ in range(2):
        form.add_field("upload", io.BytesIO(PNG), filename="a.png", content_type="image/png")

    refused = await client.post(DOCUMENTS, form)

    assert (refused.status, refused.errors) == (400, ["resource.documents.limit_will_be_reached"])


async def test_the_limit_holds_whatever_comes_at_once(client: Client, system: Installation) -> None:
    await client.become_member()
    before = len(stored(system))
    answers = await asyncio.gather(*(upload(client, *[A_PNG] * 3) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [201] * 3 + [400] * 5
    assert len((await client.get(DOCUMENTS)).body) == 9
    assert len(stored(system)) == before + 9
    assert await pending(system) == 0


async def test_documents_that_were_verified_are_replaced(client: Client, admin: Client) -> None:
    uid = (await client.become_member()).body["uid"]
    await put_private_label(client.system, uid, "document", "rejected")
    await upload(client)
    assert await labels_of(client) == {"email": "verified", "document": "pending"}
    await put_private_label(client.system, uid, "document", "verified")
    await upload(client)
    assert await labels_of(client) == {"email": "verified", "document": "replaced"}


async def test_some_documents_have_no_end(client: Client) -> None:
    await client.become_member()
    form = without("doc_expire") | {"doc_type": "Utility Bill"}
    answer = await client.post(DOCUMENTS, form_of(form, [("a.png", PNG)]))
    assert (answer.status, answer.body["doc_expire"]) == (201, None)
    dated = await upload(client, doc_type="Utility Bill")
    assert (dated.status, dated.body["doc_expire"]) == (201, FULL["doc_expire"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("scan.pdf", b"\xef\xbb\xbf%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"),
        ("scan.PDF", b"\x1b%-12345X@PJL\n" * 20 + b"%PDF-1.4\n"),
        ("IMG_0001.JPG", b"\xff\xd8\xff\xe1\x00\x18Exif\x00\x00" + bytes(100)),
        ("photo.jpeg", b"\xff\xd8\xff\xee\x00\x0eAdobe\x00d" + bytes(100)),
    ],
)
async def test_files_of_common_programs_are_taken(
    client: Client, name: str, content: bytes
) -> None:
    await client.become_member()
    answer = await upload(client, (name, content))
    assert answer.status == 201, answer.body
    assert await read(client.system, answer.body["upload"]["url"]) == content


async def labels_of(client: Client) -> dict[str, str]:
    labels = (await client.get("resource/labels")).body
    return {label["key"]: label["value"] for label in labels}


@pytest.mark.parametrize(
    "change",
    [
        lambda url: url.partition("?")[0],
        lambda url: url[:-1] + ("0" if url[-1] != "0" else "1"),
        lambda url: url.replace("expires=", "expires=9"),
        lambda url: url.replace("expires=", "expires=-"),
        lambda url: url.replace("signature=", "signature=%C3%A9"),
        lambda url: url.replace("a.png", "b.png"),
        lambda url: url.replace("/document/upload/", "/document/upload/x/"),
    ],
)
async def test_a_link_that_is_not_ours_opens_nothing(
    client: Client, link: str, change: Callable[[str], str]
) -> None:
    answer = await client.get(change(link))
    assert (answer.status, answer.errors) == (403, ["resource.upload.invalid_link"])


async def test_an_upload_may_take_longer_than_other_calls(
    client: Client, system: Installation
) -> None:
    await client.become_member()
    bearer = (await client.log_in()).headers["Authorization"]
    fields = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in FULL.items()
    )
    file = '--b\r\nContent-Disposition: form-data; name="upload[]"; filename="a.png"\r\n\r\n'

    async def slowly() -> AsyncIterator[bytes]:
        for piece in (fields.encode(), file.encode() + PNG[:50], PNG[50:], b"\r\n--b--\r\n"):
            yield piece
            await asyncio.sleep(0.5)

    free = {"BARONG_PORT": "0", "BARONG_INTERNAL_PORT": "0"}
    headers = {"Authorization": bearer, "Content-Type": "multipart/form-data; boundary=b"}
    async with (
        running(system.service("gateway", **free, BARONG_UPSTREAM_TIMEOUT="1")) as gateway,
        aiohttp.ClientSession(gateway.public, headers=headers) as http,
    ):

        async def uploaded() -> int:
            async with http.post(f"/api/v2/barong/{DOCUMENTS}", data=slowly()) as answer:
                return answer.status if answer.status != 503 else 0

        assert await until(uploaded) == 201
