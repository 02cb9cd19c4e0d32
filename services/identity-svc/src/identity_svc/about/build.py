"""Of which source this process was built."""

from dataclasses import asdict, dataclass
from importlib import metadata

_DISTRIBUTION = "identity-svc"


@dataclass(frozen=True, slots=True)
class Build:
    """The image says what it was made of; what it does not say is None."""

    git_tag: str | None
    git_sha: str | None
    build_date: str | None
    version: str | None

    @classmethod
    def of(cls, git_tag: str, git_sha: str, build_date: str) -> "Build":
        """A tag is the version; without one it is what the package says of itself."""
        version = git_tag.removeprefix("v") or _package_version()
        return cls(git_tag or version, git_sha or None, build_date or None, version)

    def body(self) -> dict[str, str | None]:
        """As the public API answers."""
        return asdict(self)


def _package_version() -> str | None:
    try:
        return metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return None
