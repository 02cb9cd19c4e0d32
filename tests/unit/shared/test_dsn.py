"""Addresses of PostgreSQL, as asyncpg reads them."""

from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.database.dsn import Dsn, Host

HOSTS = (Host("db", 5432),)
SOCKET = (Host("/run/postgresql", 5432),)


@pytest.mark.parametrize(
    ("text", "hosts", "user", "password", "database"),
    [
        ("postgresql://u:p@db/barong", HOSTS, "u", "p", "barong"),
        ("postgres://u@db:6432/barong?sslmode=require", (Host("db", 6432),), "u", "", "barong"),
        ("postgresql://u:p%40s%3As%2F%25@db/x", HOSTS, "u", "p@s:s/%", "x"),
        ("postgresql://u:p@s@db/x", HOSTS, "u", "p@s", "x"),
        (
            "postgresql:///x?host=/run/postgresql&user=u",
            (Host("/run/postgresql", 5432),),
            "u",
            "",
            "x",
        ),
        ("postgresql://u:p@%2Frun%2Fpostgresql/x", SOCKET, "u", "p", "x"),
        ("postgresql://u:p@a:1,b:2/x", (Host("a", 1), Host("b", 2)), "u", "p", "x"),
        ("postgresql://u:p@/x?host=a,b&port=1,2", (Host("a", 1), Host("b", 2)), "u", "p", "x"),
        ("postgresql://u:p@[::1]:5433/x", (Host("::1", 5433),), "u", "p", "x"),
        ("postgresql://db/x?user=u&password=p", HOSTS, "u", "p", "x"),
        ("postgresql://db?dbname=x&user=u", HOSTS, "u", "", "x"),
        ("postgresql://u@db", HOSTS, "u", "", "u"),
    ],
)
def test_what_an_address_says(
    text: str, hosts: tuple[Host, ...], user: str, password: str, database: str
) -> None:
    read = Dsn.parse(text, {})
    assert (read.hosts, read.user, read.password, read.database) == (
        *(hosts, user, password, database),
    )


@pytest.mark.parametrize(
    "text",
    [
        *("", "db", "mysql://u:secret@db/x", "postgresql://u:secret@db:port/x"),
        *("postgresql://u:secret@[::1/x", "postgresql://u:secret@db:70000/x"),
        *("postgresql://u:secret@a,b/x?port=1,2,3", "postgresql://u:secret@db/x?sslmode"),
        "postgresql://u:secret@a,,b/x",
    ],
)
def test_what_is_no_address_is_told_without_repeating_it(text: str) -> None:
    with pytest.raises(ValueError, match=r"^Not a postgresql:// address\.$") as raised:
        Dsn.parse(text, {})
    assert raised.value.__cause__ is None


def test_what_is_left_out_is_taken_from_the_environment() -> None:
    environment = {"PGHOST": "db", "PGPORT": "6000", "PGUSER": "u", "PGDATABASE": "x"}
    read = Dsn.parse("postgresql://", environment)
    assert (read.hosts, read.user, read.database) == ((Host("db", 6000),), "u", "x")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=1, max_size=20))
def test_any_password_survives(password: str) -> None:
    read = Dsn(HOSTS, "u", password, "x", {"sslmode": "require"})
    url = read.url(HOSTS[0])
    assert Dsn.parse(url, {}) == read
    assert parse_qs(urlsplit(url).query) == {"sslmode": ["require"]}


def test_a_socket_is_named_in_the_query() -> None:
    read = Dsn.parse("postgresql:///x?host=/run/pg&port=5433&user=u", {})
    assert read.url(read.hosts[0]) == "postgres://u@/x?host=%2Frun%2Fpg&port=5433"
