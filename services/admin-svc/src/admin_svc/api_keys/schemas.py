"""The parameters of the operation on API keys."""

from dataclasses import dataclass

from shared.declared import declared
from shared.web.fields import Text
from shared.web.pagination import PageForm


@dataclass(frozen=True, kw_only=True)
class _WhoseForm:
    """It has no slots, so that it can be joined with `PageForm`, which has some."""

    uid: str = declared(
        Text(
            missing=("admin.apikey.missing_uid", "admin.apikey.empty_uid"),
            empty="admin.apikey.empty_uid",
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListApiKeysForm(PageForm, _WhoseForm):
    """GET /admin/api_keys; this order of bases is that of the parameters."""
