"""Relying parties of others, installed from their registries."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.interop.programs import Command, files_in, in_go, in_node

HERE = Path(__file__).parent


@functools.cache
def openid_client(program: str = "client.mjs") -> Command | str:
    """The command of a program with openid-client, or why there is none."""
    return in_node("openid-client", files_in(HERE / "node"), program)


@functools.cache
def go_oidc() -> Command | str:
    """The command of go-oidc's program, or why there is none."""
    return in_go("go-oidc", files_in(HERE / "go"))


PROGRAMS: Mapping[str, Callable[[], Command | str]] = {
    "openid-client": openid_client,
    "go-oidc": go_oidc,
}
