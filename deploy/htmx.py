"""`make htmx`: fetches the script of the pages, htmx, from its npm package."""

from pathlib import Path

from deploy.npm_package import NpmPackage

PACKAGE = NpmPackage(
    "htmx.org",
    "2.0.11",
    "sha512-Thx/WtpeOQqSrqBCw/A1cwGJGg4UrVa3+sW0GmrM3p4gJgO89ecH4qtbnyzDDWFvBTqjnIMCgELTNt636dtamA==",
)
FILES = ("htmx.min.js", "LICENSE")
FOLDER = Path("services/console-svc/src/console_svc/static/htmx")


def main() -> None:
    """Replaces the folder's files; ends the program with a sentence if the package is another."""
    PACKAGE.fetch(FOLDER, FILES, below="dist/")


if __name__ == "__main__":
    main()
