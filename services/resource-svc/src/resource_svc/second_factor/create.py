"""Makes the secret of a second factor that is not on yet."""

from base64 import b64encode
from dataclasses import dataclass

from resource_svc.second_factor import qr_code
from resource_svc.second_factor.errors import AlreadyEnabled
from resource_svc.translated import translated
from shared.clients.identity import IdentityClient
from shared.contracts.activities import Client


@dataclass(frozen=True, slots=True)
class CreateSecondFactor:
    """Every call makes another secret, in place of one that was never turned on."""

    identity: IdentityClient

    async def __call__(self, uid: str, client: Client) -> dict[str, str]:
        """`barcode`, a PNG in Base64, and the `url` that it shows.

        Raises `AlreadyEnabled`, `NotFound` or `Unavailable`.
        """
        with translated({"otp.already_enabled": AlreadyEnabled}):
            _, url = await self.identity.create_second_factor(uid, client)
        return {"barcode": b64encode(await qr_code.png(url)).decode(), "url": url}
