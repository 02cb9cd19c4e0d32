"""What a restriction may say."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admin_svc.restrictions.models import InvalidValue, Terms, terms
from shared.contracts.policy import CATEGORIES, SCOPES


def value(scope: str, text: str) -> str:
    return terms(category="blacklist", scope=scope, value=text).value


@pytest.mark.parametrize(
    ("scope", "said", "kept"),
    [
        ("all", "all", "all"),
        ("all", " ALL ", "all"),
        ("all", "works on the database", "works on the database"),
        ("all", "0.0.0.0/0", "0.0.0.0/0"),
        ("all", " the  whole world ", "the whole world"),
        ("ip", "50.1.2.3", "50.1.2.3"),
        ("ip", " 50.1.2.3\t", "50.1.2.3"),
        ("ip", "2001:DB8:0:0::1", "2001:db8::1"),
        ("ip", "::ffff:50.1.2.3", "50.1.2.3"),
        ("ip", "::ffff:3201:203", "50.1.2.3"),
        ("ip_subnet", "50.1.2.0/24", "50.1.2.0/24"),
        ("ip_subnet", "50.1.2.3/16", "50.1.0.0/16"),
        ("ip_subnet", "50.1.2.3/32", "50.1.2.3/32"),
        ("ip_subnet", "0.0.0.0/0", "0.0.0.0/0"),
        ("ip_subnet", "2001:DB8::1/32", "2001:db8::/32"),
        ("ip_subnet", "::/0", "::/0"),
        ("ip_subnet", "::ffff:50.1.2.3/112", "50.1.0.0/16"),
        ("ip_subnet", "::ffff:0:0/96", "0.0.0.0/0"),
        ("country", "UA", "UA"),
        ("country", "ukraine", "ukraine"),
        ("country", " Bonaire,  Sint Eustatius, and Saba ", "Bonaire, Sint Eustatius, and Saba"),
        ("country", "Co\u0302te d'Ivoire", "C\u00f4te d'Ivoire"),
        ("country", "St. Kitts & Nevis", "St. Kitts & Nevis"),
        ("country", "Guinea-Bissau", "Guinea-Bissau"),
        ("continent", "EU", "EU"),
        ("continent", "North America", "North America"),
    ],
)
def test_a_value_is_written_in_one_way(scope: str, said: str, kept: str) -> None:
    assert value(scope, said) == kept


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        *(("all", text) for text in ("", "a\nb\u200b", "w" * 65)),
        *(
            ("ip", text)
            for text in (
                *("junk", "300.1.1.1", "50.1.2", "50.1.2.3/32", "50.1.2.03", "0x32.1.2.3", "50"),
                *("50.1.2.3, 50.1.2.4", "2001:db8:::1", "fe80::1%eth0", "[::1]", "UA"),
            )
        ),
        *(
            ("ip_subnet", text)
            for text in (
                *("junk", "50.1.2.3", "50.1.2.0/33", "50.1.2.0/", "50.1.2.0/-1", "300.1.1.0/24"),
                *("50.1.2.0/255.255.255.0", "50.1.2.0/24/1", "/24", "2001:db8::/129", "2001:db8::"),
                *("fe80::%eth0/64", "50.1.2.0/\u0661"),
            )
        ),
        *(
            (scope, text)
            for scope in ("continent", "country")
            for text in (
                "U",
                "12",
                "U1",
                "50.1.2.3",
                "-UA",
                "U;A",
                "U_A",
                "a" * 65,
                "'",
                "UA\u202e",
            )
        ),
    ],
)
def test_values_that_no_caller_has_are_refused(scope: str, said: str) -> None:
    with pytest.raises(InvalidValue):
        value(scope, said)


@given(st.ip_addresses())
def test_an_address_stays_what_it_is(address: object) -> None:
    kept = value("ip", str(address))

    assert value("ip", kept) == kept
    assert ip_address(kept) == (getattr(address, "ipv4_mapped", None) or address)


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_a_network_holds_the_address_it_was_said_with(address: object, length: int) -> None:
    kept = value("ip_subnet", f"{address}/{length}")

    assert value("ip_subnet", kept) == kept
    assert ip_address(str(address)) in ip_network(kept)
    assert value("ip_subnet", f"::ffff:{address}/{length + 96}") == kept


@given(st.sampled_from(SCOPES), st.text(max_size=70))
def test_whatever_is_said_is_kept_or_refused(scope: str, text: str) -> None:
    try:
        kept = value(scope, text)
    except InvalidValue:
        return
    assert value(scope, kept) == kept
    assert 0 < len(kept) <= 64


VALUES = {
    "all": ("all", 401),
    "ip": ("50.1.2.3", 401),
    "ip_subnet": ("50.1.0.0/16", 403),
    "continent": ("EU", 423),
    "country": ("UA", 423),
}


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("category", CATEGORIES)
def test_the_usual_code_is_that_of_the_scope_or_of_maintenance(category: str, scope: str) -> None:
    said, code = VALUES[scope]
    made = terms(category=category, scope=scope, value=said)

    assert made == Terms(
        category=category,
        scope=scope,
        value=said,
        state="enabled",
        code=471 if category == "maintenance" else code,
    )
    assert terms(category=category, scope=scope, value=said, code=455).code == 455
