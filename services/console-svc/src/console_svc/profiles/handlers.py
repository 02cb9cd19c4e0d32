"""The profile of a member."""

from aiohttp import web

from console_svc.pages.visit import Visit

_FIELDS = ("first_name", "last_name", "dob", "address", "postcode", "city", "country")


async def show(visit: Visit) -> web.StreamResponse:
    """The form of the profile; one that is submitted is only shown."""
    profile = _profile(visit)
    return visit.page("profiles/profile.html", profile=profile)


async def save(visit: Visit) -> web.StreamResponse:
    """Writes the profile, and submits it if that button was used."""
    form = {name: visit.text(name) for name in _FIELDS}
    submitted = visit.text("action") == "submit"
    if submitted:
        form["confirm"] = "true"
    method = "PUT" if _profile(visit) else "POST"
    await visit.call(method, "resource/profiles", form)
    return visit.go("/account/profile", "profile_submitted" if submitted else "profile_saved")


def _profile(visit: Visit) -> dict[str, str] | None:
    """The newest profile."""
    profiles = visit.me["profiles"]
    return dict(profiles[-1]) if profiles else None
