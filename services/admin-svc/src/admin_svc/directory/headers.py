"""The headers that describe one page of the directory."""

from collections.abc import Mapping

from yarl import URL

from admin_svc.directory.find import Found
from admin_svc.directory.forms import UserFilterForm
from shared.web.pagination import PageForm, page_headers


def list_headers(url: URL, form: PageForm, found: Found) -> Mapping[str, str]:
    """Page, Per-Page, Total and Link as everywhere; Next-Cursor is where the next page begins.

    `Total-Relation: gt` says that there are more than `Total`: which page is the last is unknown
    then. A list that is read by cursors has no `Page`, and its links go on by cursor.
    """
    headers = dict(page_headers(url, form, found.total.number))
    if found.next:
        headers["Next-Cursor"] = found.next.encode()
    if not found.total.exact:
        headers["Total-Relation"] = "gt"
    if isinstance(form, UserFilterForm) and form.after:
        del headers["Page"]
        headers["Link"] = _links(_by_cursor(url, found))
    elif not found.total.exact:
        headers["Link"] = _links(_by_page(url, form.page or 1, found))
    return headers


def _by_cursor(url: URL, found: Found) -> Mapping[str, URL]:
    begin = url.without_query_params("cursor", "page")
    return {"first": begin} | (
        {"next": begin.update_query(cursor=found.next.encode())} if found.next else {}
    )


def _by_page(url: URL, page: int, found: Found) -> Mapping[str, URL]:
    back = {"first": url.update_query(page=1), "prev": url.update_query(page=page - 1)}
    on = {"next": url.update_query(page=page + 1)} if found.next else {}
    return (back if page > 1 else {}) | on


def _links(urls: Mapping[str, URL]) -> str:
    """Link (RFC 8288), each relative to the server."""
    return ", ".join(f'<{url.raw_path_qs}>; rel="{name}"' for name, url in urls.items())
