"""QR codes that authenticators scan."""

import asyncio
from io import BytesIO

import segno

_MODULE_PIXELS, _QUIET_MODULES = 5, 4  # ISO/IEC 18004, 9.1: at least four modules around it


async def png(text: str) -> bytes:
    """The text as a QR code, made in a thread because a long one takes 30 ms."""
    return await asyncio.to_thread(_png, text)


def _png(text: str) -> bytes:
    image = BytesIO()
    code = segno.make_qr(text, error="m", boost_error=False)
    code.save(image, kind="png", scale=_MODULE_PIXELS, border=_QUIET_MODULES)
    return image.getvalue()
