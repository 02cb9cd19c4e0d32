"""The headers that describe one page of the directory."""

from collections.abc import Mapping

from yarl import URL

from admin_svc.directory.find import Found
from admin_svc.directory.forms import AnyListForm
from shared.web.pagination import bounded_headers, links


def list_headers(url: URL, form: AnyListForm, found: Found) -> Mapping[str, str]:
    """Those of every list; Next-Cursor is where the next page begins.

    A list that is read by cursors has no `Page`, and its links go on by cursor.
    """
    headers = dict(bounded_headers(url, form, found.total, goes_on=found.next is not None))
    if found.next:
        headers["Next-Cursor"] = found.next.encode()
    if form.after:
        del headers["Page"]
        headers["Link"] = links(_by_cursor(url, found))
    return headers


def _by_cursor(url: URL, found: Found) -> Mapping[str, URL]:
    begin = url.without_query_params("cursor", "page")
    return {"first": begin} | (
        {"next": begin.update_query(cursor=found.next.encode())} if found.next else {}
    )
