"""Do every import of packages, also those inside functions: `python imports.py PACKAGE…`.

An image has what its service imports and no more. It is run there, so it needs nothing but Python.
"""

import ast
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path


class _Imports(ast.NodeVisitor):
    """The modules that a source imports, but for what only type checkers read."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_If(self, node: ast.If) -> None:
        if not (isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            self.generic_visit(node)

    def visit_Import(self, node: ast.Import) -> None:
        self.names.update(alias.name for alias in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.module and not node.level:
            self.names.add(node.module)


def modules_of(package: str) -> Iterator[str]:
    """The modules of a package but for its program, and everything that all of them import."""
    folder = Path(next(iter(importlib.import_module(package).__path__)))
    for file in sorted(folder.rglob("*.py")):
        name = ".".join((package, *file.relative_to(folder).with_suffix("").parts))
        if file.stem != "__main__":
            yield name.removesuffix(".__init__")
        found = _Imports()
        found.visit(ast.parse(file.read_text()))
        yield from sorted(found.names)


def main(packages: list[str]) -> None:
    """Ends with 1, and says which, if a module cannot be imported."""
    failed = {}
    for name in dict.fromkeys(name for package in packages for name in modules_of(package)):
        try:
            importlib.import_module(name)
        except ImportError as error:
            failed[name] = str(error)
    if failed:
        sys.exit("\n".join(f"{name}: {why}" for name, why in failed.items()))


if __name__ == "__main__":
    main(sys.argv[1:])
