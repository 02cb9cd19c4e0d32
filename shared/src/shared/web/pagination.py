"""Pages of a list: the parameters that choose one and the headers that describe it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from yarl import URL

from shared.declared import declared
from shared.values.totals import Total
from shared.web.fields import Integer

MAX_LIMIT = 100


def limit_field(maximum: int = MAX_LIMIT) -> Integer:
    """The number of records of a page."""
    return Integer(
        invalid=("non_integer_limit", "invalid_limit"),
        minimum=1,
        maximum=maximum,
        range_code="invalid_limit",
        blank_code="invalid_limit",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PageForm:
    """The page, counted from 1, and the number of records of a page."""

    page: int | None = declared(
        Integer(
            invalid=("non_integer_page", "non_positive_page"),
            minimum=1,
            maximum=10**9,
            range_code="non_positive_page",
            blank_code="non_positive_page",
        ),
        1,
    )
    limit: int | None = declared(
        limit_field(),
        MAX_LIMIT,
    )

    @property
    def window(self) -> tuple[int, int]:
        """LIMIT and OFFSET."""
        limit = self.limit or MAX_LIMIT
        return limit, ((self.page or 1) - 1) * limit


@dataclass(frozen=True, slots=True, kw_only=True)
class PageHeaders:
    """The names of the headers that describe a page of a list, as operations declare them."""

    always: Collection[str] = ()
    sometimes: Collection[str] = ()


BY_PAGE = PageHeaders(always=("Page", "Per-Page", "Total"), sometimes=("Link",))
"""Of `page_headers`."""
BY_PAGE_UNCOUNTED = PageHeaders(always=BY_PAGE.always, sometimes=("Link", "Total-Relation"))
"""Of `bounded_headers`: a long list is counted only so far."""
BY_CURSOR = PageHeaders(always=("Per-Page",), sometimes=("Next-Cursor",))
"""A list that only cursors page, and that nobody counts."""
BY_CURSOR_TOO = PageHeaders(
    always=("Per-Page", "Total"), sometimes=("Page", "Link", "Next-Cursor", "Total-Relation")
)
"""The answer to a cursor does not say which page it is."""
AS_FILE_TOO = PageHeaders(sometimes=(*BY_CURSOR_TOO.always, *BY_CURSOR_TOO.sometimes))
"""A file has none of them, and the answer to a cursor has neither page nor total."""


def page_headers(url: URL, form: PageForm, total: int) -> Mapping[str, str]:
    """Page, Per-Page, Total and Link (RFC 8288: first, prev, next, last) of one page of `total`."""
    page, limit = form.page or 1, form.limit or MAX_LIMIT
    last = max(1, -(-total // limit))
    wanted: dict[str, int] = {}
    if page > 1:
        wanted |= {"first": 1, "prev": min(page - 1, last)}
    if page < last:
        wanted |= {"last": last, "next": page + 1}
    return _headers(url, form, total, wanted)


def bounded_headers(url: URL, form: PageForm, total: Total, *, goes_on: bool) -> Mapping[str, str]:
    """The same for a list that may be longer than it was counted; `goes_on`: another page follows.

    `Total-Relation: gt` says that there are more than `Total`; which page is the last is unknown
    then, and `Link` names none.
    """
    if total.exact:
        return page_headers(url, form, total.number)
    page = form.page or 1
    wanted = {"first": 1, "prev": page - 1} if page > 1 else {}
    if goes_on:
        wanted["next"] = page + 1
    return {**_headers(url, form, total.number, wanted), "Total-Relation": "gt"}


def _headers(url: URL, form: PageForm, total: int, wanted: Mapping[str, int]) -> dict[str, str]:
    page, limit = form.page or 1, form.limit or MAX_LIMIT
    headers = {"Page": str(page), "Per-Page": str(limit), "Total": str(total)}
    urls = {rel: url.update_query(page=number) for rel, number in wanted.items()}
    return headers | ({"Link": links(urls)} if wanted else {})


def links(urls: Mapping[str, URL]) -> str:
    """The header Link (RFC 8288): the URL of each relation, relative to the server."""
    return ", ".join(f'<{url.raw_path_qs}>; rel="{rel}"' for rel, url in urls.items())
