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
    "authz_gateway/answer_headers.py",
    "authz_gateway/answering.py",
    "authz_gateway/deadline.py",
    "authz_gateway/decisions.py",
    "authz_gateway/expiring.py",
    "authz_gateway/handlers.py",
    "authz_gateway/http1/bodies.py",
    "authz_gateway/http1/headers.py",
    "authz_gateway/http1/heads.py",
    "authz_gateway/paths.py",
    "authz_gateway/plan.py",
    "authz_gateway/policy/compiled.py",
    "authz_gateway/proxy/connection.py",
    "authz_gateway/proxy/exchange.py",
    "authz_gateway/proxy/forward.py",
    "authz_gateway/proxy/headers.py",
    "authz_gateway/proxy/tunnel.py",
    "authz_gateway/proxy/upstream.py",
    "authz_gateway/remembered.py",
    "authz_gateway/routes.py",
    "authz_gateway/server/answers.py",
    "authz_gateway/server/connection.py",
    "authz_gateway/server/incoming.py",
    "authz_gateway/server/record.py",
    "authz_gateway/server/request.py",
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
