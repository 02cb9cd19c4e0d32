"""Export and deletion of a member's data."""

from aiohttp import web

from console_svc.pages.api import refusal_of
from console_svc.pages.visit import Visit

_EXPORT_SECONDS = 300.0


async def show(visit: Visit) -> web.StreamResponse:
    """What one can do with one's data."""
    return visit.page("personal_data/data.html")


async def export(visit: Visit) -> web.StreamResponse:
    """Everything that the system holds about the member, as a file, while it arrives."""
    async with visit.api.streamed(
        visit.request, "GET", "resource/users/me/export", seconds=_EXPORT_SECONDS
    ) as answer:
        if answer.status != 200:
            raise await refusal_of(answer)
        return await visit.download(answer, "barong-export.json", "application/json")


async def show_deletion(visit: Visit) -> web.StreamResponse:
    """The form that deletes the account."""
    return visit.page("personal_data/deletion.html")


async def delete(visit: Visit) -> web.StreamResponse:
    """Deletes the account, which ends all its sessions."""
    form = {"password": visit.text("password")}
    if code := visit.text("otp_code"):
        form["otp_code"] = code
    await visit.call("DELETE", "resource/users/me", form)
    return visit.go("/account/log-in", "account_deleted")
