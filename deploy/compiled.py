"""Compile what every call passes in the gateway to C extensions, with mypyc.

`python -m deploy.compiled FOLDER`, or this file alone, as in the build of the image: it needs
requirements/compile.txt and a C compiler, and nothing else of the project.
"""

import argparse
import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

from mypyc.build import mypycify
from setuptools import setup

MODULES = (
    "authz_gateway/authn/call.py",
    "authz_gateway/authn/lookup_cache.py",
    "authz_gateway/authz/decision_cache.py",
    "authz_gateway/authz/policy.py",
    "authz_gateway/handlers.py",
    "authz_gateway/http/access_log.py",
    "authz_gateway/http/connection.py",
    "authz_gateway/http/deadline.py",
    "authz_gateway/authz/dispatcher.py",
    "authz_gateway/http/framing.py",
    "authz_gateway/http/headers.py",
    "authz_gateway/http/parser.py",
    "authz_gateway/http/request.py",
    "authz_gateway/http/request_body.py",
    "authz_gateway/http/response_headers.py",
    "authz_gateway/http/responses.py",
    "authz_gateway/http/client_key.py",
    "authz_gateway/routes.py",
    "authz_gateway/routing/path.py",
    "authz_gateway/routing/route_table.py",
    "authz_gateway/upstream/connection.py",
    "authz_gateway/upstream/exchange.py",
    "authz_gateway/upstream/pool.py",
    "authz_gateway/upstream/proxy.py",
    "authz_gateway/upstream/shares.py",
    "authz_gateway/upstream/tunnel.py",
    "shared/web/request_ids.py",
    "shared/web/tallies.py",
)
"""What a call passes that is decided about from memory and forwarded.

Compiled, they take a quarter off what such a call costs the gateway. They call one another without
Python between them, so all of them stand here. What works at the start, on a change of policy or in
few calls only is not worth it.
"""


def compile_in(folder: Path, python: str) -> None:
    """Put an extension beside each of MODULES in `folder`, to be imported, and their code on top.

    `folder` has the packages authz_gateway and shared; their Python stays, for tracebacks. `python`
    has the libraries that they import, whose types count. Ends the program, with what mypyc or the
    C compiler said and with `folder` as it was, if they find a fault.
    """
    with tempfile.TemporaryDirectory() as temporary, contextlib.chdir(folder):
        extensions = mypycify(
            [
                *("--config-file=", f"--cache-dir={temporary}/types"),
                *("--strict", "--explicit-package-bases", "--follow-imports=silent"),
                f"--python-executable={python}",
                *(str(Path(module).absolute()) for module in MODULES),  # where tracebacks look
            ],
            opt_level="3",
            debug_level="0",
            target_dir=f"{temporary}/c",
        )
        setup(
            name="compiled",
            ext_modules=extensions,
            script_args=[
                *("--quiet", "build_ext"),
                *(f"--build-temp={temporary}/objects", f"--build-lib={temporary}/extensions"),
            ],
        )
        shutil.copytree(f"{temporary}/extensions", ".", dirs_exist_ok=True)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Compile modules of the gateway in place.")
    arguments.add_argument("folder", type=Path, help="has the packages authz_gateway and shared")
    arguments.add_argument(
        "--python", default=sys.executable, help="has the libraries that they import"
    )
    compile_in(**vars(arguments.parse_args()))
