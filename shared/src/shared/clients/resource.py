"""The client of resource-svc's internal API."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.clients.archive import ArchiveClient
from shared.clients.internal_api import segment
from shared.contracts.administration import Administrator, ChangedAttachment
from shared.contracts.api_keys import Nonce, SigningKey
from shared.contracts.attachments import AttachmentSnapshot
from shared.contracts.labels import PrivateLabels
from shared.contracts.services import RESOURCE
from shared.contracts.users import User
from shared.tokens.service import ServiceTokens


class ResourceClient(ArchiveClient):
    """Every call raises `Unavailable` when resource-svc cannot answer."""

    def __init__(self, url: str, tokens: ServiceTokens) -> None:
        super().__init__(url, RESOURCE, tokens)

    async def put_private_label(self, uid: str, key: str, value: str) -> PrivateLabels:
        """Adds a private label, and returns all of the user; a repetition changes nothing."""
        path = f"/users/{segment(uid)}/labels/{segment(key)}"
        return PrivateLabels.of(await self.call("PUT", path, {"value": value}))

    async def attachments(self, user: User) -> dict[str, Any]:
        """A user's labels, phones, profiles and data storages, as the public API shows them.

        From now on resource-svc has this version of the user.
        """
        answer: dict[str, Any] = await self.call("PUT", "/users", {"user": user.to_internal()})
        return answer

    async def upsert_user(self, user: User) -> None:
        """From now on resource-svc has this version of the user; raises `NotFound`."""
        await self.call("PUT", f"/users/{segment(user.uid)}", {"user": user.to_internal()})

    async def attachment_snapshots(self, uids: Sequence[str]) -> list[AttachmentSnapshot]:
        """All attachments of at most 1000 users, one snapshot for each kind."""
        body = {"uids": list(uids)}
        answer = await self.call("POST", "/attachments", body, repeatable=True)
        return [AttachmentSnapshot.of(each) for each in answer["sets"]]

    async def upload_links(self, keys: Sequence[str]) -> list[str]:
        """A link to each uploaded file, which expires soon."""
        body = {"keys": list(keys)}
        answer = await self.call("POST", "/uploads/links", body, repeatable=True)
        return list(answer["links"])

    async def api_key(self, kid: str) -> SigningKey:
        """An API key with its secret, in any state; raises `NotFound`."""
        return SigningKey.of(await self.call("GET", f"/api_keys/{segment(kid)}"))

    async def end_api_keys(self, uid: str) -> None:
        """Ends all API keys of the user; a repetition changes nothing.

        Raises `NotFound`.
        """
        await self.call("DELETE", f"/users/{segment(uid)}/api_keys")

    async def use_nonces(self, nonces: Sequence[Nonce], lifetime: int) -> list[bool]:
        """Uses up nonces; for each, whether it had not been used; `lifetime` in milliseconds."""
        asked = [nonce.members() for nonce in nonces]
        answer = await self.call("POST", "/nonces/use", {"nonces": asked, "lifetime": lifetime})
        return list(answer["fresh"])

    async def add_label(
        self,
        by: Administrator,
        uid: str,
        scope: str,
        key: str,
        value: str,
        description: str | None,
    ) -> ChangedAttachment:
        """The new label.

        Here and below: raises `NotFound`, and `Invalid` where `by` may not change this user, or
        with what is wrong with the change.
        """
        body = {"scope": scope, "key": key, "value": value, "description": description}
        return await self._change("POST", by, uid, "labels", body)

    async def change_label(
        self,
        by: Administrator,
        uid: str,
        scope: str,
        key: str,
        value: str,
        description: str | None,
        *,
        or_add: bool,
    ) -> ChangedAttachment:
        """The label before and after; `NotFound` has `admin.label.doesnt_exist` for no label."""
        body = {"scope": scope, "key": key, "value": value, "description": description}
        return await self._change("PUT", by, uid, "labels", {**body, "or_add": or_add})

    async def delete_label(
        self, by: Administrator, uid: str, scope: str, key: str
    ) -> ChangedAttachment:
        """The label that was; `NotFound` has `admin.label.doesnt_exist` for no label."""
        return await self._change("DELETE", by, uid, "labels", {"scope": scope, "key": key})

    async def administer_profile(
        self, by: Administrator, uid: str, written: Mapping[str, Any], state: str | None
    ) -> ChangedAttachment:
        """The profile that waits for a verdict, before and after."""
        return await self._change("PUT", by, uid, "profile", {**written, "state": state})

    async def delete_data_storage(
        self, by: Administrator, uid: str, title: str
    ) -> ChangedAttachment:
        """The data storage that was; `NotFound` has `admin.storage.doesnt_exist` for none."""
        return await self._change("DELETE", by, uid, "data_storages", {"title": title})

    async def _change(
        self, method: str, by: Administrator, uid: str, what: str, body: Mapping[str, Any]
    ) -> ChangedAttachment:
        path = f"/subjects/{segment(uid)}/{what}"
        return ChangedAttachment.of(await self.call(method, path, {**body, "by": by.to_internal()}))

    async def api_keys_of(
        self, uid: str, page: int, limit: int
    ) -> tuple[list[dict[str, Any]], int]:
        """A page of the user's API keys without secrets, and the number of all.

        Raises `NotFound`.
        """
        path = f"/users/{segment(uid)}/api_keys?page={page}&limit={limit}"
        answer = await self.call("GET", path)
        return answer["api_keys"], answer["total"]
