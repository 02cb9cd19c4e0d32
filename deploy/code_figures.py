"""Figures about the code of `shared` and the services: `python -m deploy.code_figures [COMMIT]`.

Empty modules, generated ones and `__init__.py` do not count.
"""

import ast
import io
import statistics
import subprocess
import sys
import tarfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath


def sources(root: Path, commit: str) -> Mapping[str, str]:
    """The Python modules of `shared` and the services at a commit, by their paths."""
    archive = subprocess.run(
        ("git", "-C", str(root), "archive", commit, "shared", "services"),
        capture_output=True,
        check=True,
    ).stdout
    found = {}
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in files:
            path = PurePosixPath(member.name)
            if "src" in path.parts and path.suffix == ".py" and not path.stem.endswith("_pb2"):
                content = files.extractfile(member)
                found[member.name] = content.read().decode() if content else ""
    return found


def features_in_circles(modules: Mapping[str, str]) -> Mapping[str, int]:
    """For each package, how many of its folders import each other in a circle.

    Imports for type checkers count, too.
    """
    imports: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path, text in modules.items():
        package, *rest = path.partition("/src/")[2].split("/")
        if len(rest) < 2:
            continue
        for name in _imported(ast.parse(text)):
            parts = name.split(".")
            if parts[0] == package and len(parts) > 2 and parts[1] != rest[0]:
                imports[package][rest[0]].add(parts[1])
    return {
        package: sum(folder in _reached(folder, edges) for folder in list(edges))
        for package, edges in sorted(imports.items())
    }


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _reached(start: str, edges: Mapping[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    todo = list(edges.get(start, ()))
    while todo:
        if (folder := todo.pop()) not in reached:
            reached.add(folder)
            todo += edges.get(folder, ())
    return reached


def main() -> None:
    """Prints a line for each figure."""
    commit = sys.argv[1] if len(sys.argv) > 1 else "HEAD"
    every = sources(Path(__file__).parents[1], commit)
    modules = {
        path: text
        for path, text in every.items()
        if text.strip() and not path.endswith("/__init__.py")
    }
    lines = {path: text.count("\n") for path, text in modules.items()}
    apps = [lines[path] for path in modules if path.endswith("/app.py")]
    figures = {
        "modules": len(modules),
        "lines": sum(lines.values()),
        "median length": round(statistics.median(lines.values())),
        "app.py, lines of the longest": max(apps),
        "AppKeys": sum(text.count("web.AppKey(") for text in modules.values()),
        "folders that import each other in circles": ", ".join(
            f"{package} {number}" for package, number in features_in_circles(modules).items()
        ),
    }
    for name, figure in figures.items():
        print(f"{name:<42} {figure}")


if __name__ == "__main__":
    main()
