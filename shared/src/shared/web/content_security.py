"""Sources as Content-Security-Policy names them."""

from urllib.parse import urlsplit


def source_of(uri: str) -> str:
    """Where a redirect to `uri` leads: an origin, or the scheme of an app.

    Browsers check the directive `form-action` for redirects after a form, too (CSP Level 3, 6.4.1).
    """
    parts = urlsplit(uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else f"{parts.scheme}:"
