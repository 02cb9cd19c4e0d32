"""`make swagger-ui`: fetches the renderer of the API document, Swagger UI, from its npm package."""

from pathlib import Path

from deploy.npm_package import SUMS, NpmPackage

VERSION = "5.35.0"
INTEGRITY = (
    "sha512-U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAh"
    "w0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ=="
)

SHOWN = ("swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png")
"""What the page loads."""
LICENSES = ("LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt")
COMPRESSED = tuple(name for name in SHOWN if not name.endswith(".png"))
"""What has a gzip file beside it: compressing it takes a tenth of a second or more."""

FOLDER = Path("services/authz-gateway/src/authz_gateway/api_document/swagger_ui")

__all__ = ["COMPRESSED", "FOLDER", "INTEGRITY", "LICENSES", "SHOWN", "SUMS", "VERSION"]


def main() -> None:
    """Replaces the folder's files; ends the program with a sentence if the package is another."""
    package = NpmPackage("swagger-ui-dist", VERSION, INTEGRITY)
    package.fetch(FOLDER, (*SHOWN, *LICENSES), COMPRESSED)


if __name__ == "__main__":
    main()
