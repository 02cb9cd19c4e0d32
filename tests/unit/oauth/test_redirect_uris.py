"""Which redirect URIs may be registered, and which of a request is one of them."""

import pytest

from oauth_svc.protocol.client import sound_redirect_uri
from tests.unit.oauth.conftest import MakeClient


@pytest.mark.parametrize(
    ("registered", "given", "same"),
    [
        ("https://a.example/cb", "https://a.example/cb", True),
        ("https://a.example/cb", "https://a.example/cb/", False),
        ("https://a.example/cb", "https://a.example/cb?x=1", False),
        ("https://a.example/cb?x=1", "https://a.example/cb?x=1", True),
        ("https://a.example/cb", "https://a.example/cb#", False),
        ("https://a.example/cb", "https://a.example/%63b", False),
        ("https://a.example/cb", "https://a.example:443/cb", False),
        ("https://a.example/cb", "https://A.example/cb", False),
        ("https://a.example/cb", "http://a.example/cb", False),
        ("com.example.app:/cb", "com.example.app:/cb", True),
        ("com.example.app:/cb", "com.example.app:/cb/x", False),
        # RFC 8252, 7.3: of a loopback address, the port may be any.
        ("http://127.0.0.1/cb", "http://127.0.0.1:51004/cb", True),
        ("http://127.0.0.1:80/cb", "http://127.0.0.1:51004/cb", True),
        ("http://127.0.0.1:80/cb", "http://127.0.0.1/cb", True),
        ("http://[::1]/cb", "http://[::1]:51004/cb", True),
        ("http://127.0.0.1/cb?x=1", "http://127.0.0.1:51004/cb?x=1", True),
        ("http://127.0.0.1", "http://127.0.0.1:51004", True),
        ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:99999/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:5100/other", False),
        ("http://127.0.0.1/cb", "https://127.0.0.1:5100/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.2:5100/cb", False),
        ("http://127.0.0.1/cb", "http://[::1]:5100/cb", False),
        ("http://127.0.0.1/cb", "http://localhost:5100/cb", False),
        ("http://127.0.0.1/cb", "http://127.0.0.1:5100@evil.example/cb", False),
        ("http://127.0.0.1/cb", "http://evil.example@127.0.0.1:5100/cb", False),
        ("http://localhost/cb", "http://localhost:5100/cb", False),
        # A number in the path is no port.
        ("http://127.0.0.1/a:1/cb", "http://127.0.0.1:5100/a:1/cb", True),
        ("http://127.0.0.1/a:1/cb", "http://127.0.0.1/a:2/cb", False),
        ("http://127.0.0.1/cb?a=b:1", "http://127.0.0.1/cb?a=b:2", False),
        ("http://127.0.0.1/a:1/cb", "http://127.0.0.1/a/cb", False),
    ],
)
def test_redirect_uris_are_the_same_character_by_character(
    make_client: MakeClient, registered: str, given: str, same: bool
) -> None:
    assert make_client(redirect_uris=[registered]).redirects_to(given) is same


@pytest.mark.parametrize(
    ("uri", "sound"),
    [
        ("https://a.example/cb", True),
        ("https://a.example:8443/cb?tenant=1", True),
        ("https://xn--bcher-kva.example/cb", True),
        ("https://[2001:db8::1]/cb", True),
        ("http://localhost:3000/cb", True),
        ("http://127.0.0.1/cb", True),
        ("http://[::1]/cb", True),
        ("com.example.app:/cb", True),
        ("com.example.app:cb", True),
        ("http://a.example/cb", False),
        ("https://a.example/cb#", False),
        ("https://a.example/cb#x", False),
        ("https://user@a.example/cb", False),
        ("https://user:word@a.example/cb", False),
        ("https://a.example:0x50/cb", False),
        ("https://a.example:99999/cb", False),
        ("https:///cb", False),
        ("https://", False),
        ("https://a.example\\@b.example/cb", False),
        ("https://bücher.example/cb", False),
        ("https://a.example/c b", False),
        ("https://a.example/cb\n", False),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("app:/cb", False),
        ("com.example.app://host/cb", False),
        ("//a.example/cb", False),
        ("/cb", False),
        ("", False),
        ("https://a.example/" + "x" * 2048, False),
        # The host goes into the Content-Security-Policy of our pages.
        ("https://a.example;script-src/cb", False),
        ("https://*.example/cb", False),
        ("https://a.example,b.example/cb", False),
        ("https://'self'/cb", False),
    ],
)
def test_a_redirect_uri_can_be_registered(uri: str, sound: bool) -> None:
    assert sound_redirect_uri(uri) is sound
