"""The software bill of materials (SBOM) of an image: CycloneDX 1.6, of the locked requirements.

    python -m deploy.sbom identity-svc --version 1.2.3 --created 2026-11-30T12:00:00Z

The build of the image runs this file alone; it needs `packaging`, which requirements/compile.txt
has. The same arguments and the same locks give the same bytes.
"""

import argparse
import json
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.markers import Marker

MIGRATIONS = "migrations"
"""The image with all services that have a schema, and dbmate."""

LICENSE = "Apache-2.0"
VENDORED: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "authz-gateway": [("npm", "swagger-ui-dist", "5.35.0")],
    "console-svc": [("npm", "htmx.org", "2.0.11")],
}
"""What services carry of others beside Python packages: ecosystem, name and version."""

_IMAGE: Mapping[str, str] = {
    "implementation_name": "cpython",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_system": "Linux",
    "python_full_version": "3.11.0",
    "python_version": "3.11",
    "sys_platform": "linux",
}
"""The markers of an image, wherever this runs."""

_PINNED = re.compile(r"^([\w.-]+)(?:\[[\w,-]+\])?==([^\s;]+)(?: ; (.+?))?(?: \\)?$")
_WHY = re.compile(r"^ {4}#(?: via|  ) (\S.*)$")


@dataclass(frozen=True, slots=True)
class Pin:
    """A package as a lock has it, and who needs it: packages, and `-r file` for ourselves."""

    name: str
    version: str
    needed_by: frozenset[str]

    @property
    def purl(self) -> str:
        """Its package URL (purl)."""
        return f"pkg:pypi/{self.name}@{self.version}"


def pins(lock: str) -> Iterator[Pin]:
    """The packages of a lock that `uv pip compile` wrote, but for those of other platforms."""
    found: tuple[str, str] | None = None
    needed_by: set[str] = set()
    for line in (*lock.splitlines(), "end==0"):
        if pinned := _PINNED.match(line):
            if found:
                yield Pin(*found, frozenset(needed_by))
            name, version, marker = pinned.groups()
            here = marker is None or Marker(marker).evaluate(dict(_IMAGE))
            found, needed_by = (name, version) if here else None, set()
        elif why := _WHY.match(line):
            needed_by.add(why[1])


def lock_of(image: str, requirements: Path) -> Path:
    """The lock of everything in an image: its own, or that of all services if it needs no more."""
    own = requirements / f"{image}.txt"
    return own if own.exists() else requirements / "runtime.txt"


def bill(
    image: str, sources: Path, requirements: Path, *, version: str = "", created: str = ""
) -> str:
    """The document, as JSON.

    `sources` has the folders `shared` and `services`; `requirements` has the locks. `version` and
    `created` (RFC 3339) are those of the image, as far as known.
    """
    number = number_of(sources)
    locked = [*pins(lock_of(image, requirements).read_text())]
    root = f"barong/{image}"
    ours = {f"pkg:generic/{name}@{number}": name for name in ours_in(image, sources)}
    others = {
        f"pkg:{ecosystem}/{name}@{of_it}": (name, of_it)
        for ecosystem, name, of_it in VENDORED.get(image, ())
    }
    components = [
        *(_library(purl, name, number, license_id=LICENSE) for purl, name in ours.items()),
        *(_library(pin.purl, pin.name, pin.version) for pin in locked),
        *(_library(purl, *named) for purl, named in others.items()),
    ]
    direct = [
        pin.purl for pin in locked if any(reason.startswith("-r ") for reason in pin.needed_by)
    ]
    dependencies = [
        (root, [*ours, *direct, *others]),
        *((purl, []) for purl in (*ours, *others)),
        *((each.purl, [p.purl for p in locked if each.name in p.needed_by]) for each in locked),
    ]
    content: dict[str, Any] = {
        "metadata": {
            **({"timestamp": created} if created else {}),
            "component": {
                "type": "container",
                "bom-ref": root,
                "name": root,
                "version": version or number,
                "licenses": [{"license": {"id": LICENSE}}],
            },
        },
        "components": components,
        "dependencies": [
            {"ref": ref, "dependsOn": sorted(needs)} for ref, needs in sorted(dependencies)
        ],
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(content, sort_keys=True))
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        **content,
    }
    return json.dumps(document, indent=1) + "\n"


def _library(purl: str, name: str, version: str, *, license_id: str = "") -> dict[str, Any]:
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        **({"licenses": [{"license": {"id": license_id}}]} if license_id else {}),
    }


def ours_in(image: str, sources: Path) -> list[str]:
    """Our own packages in an image."""
    schemas = sorted(path.parents[2].name for path in sources.glob("services/*/src/*/migrations"))
    return ["barong-shared", *(schemas if image == MIGRATIONS else [image])]


def number_of(sources: Path) -> str:
    """The version of our packages, from shared/src/shared/version.py in `sources`."""
    text = (sources / "shared" / "src" / "shared" / "version.py").read_text()
    found = re.search(r'^VERSION = "(.+)"$', text, re.MULTILINE)
    if found is None:
        raise ValueError("shared/version.py has no VERSION")
    return found[1]


if __name__ == "__main__":
    here = Path(__file__).parents[1]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("image", help=f"identity-svc, …, or {MIGRATIONS}")
    parser.add_argument("--sources", type=Path, default=here)
    parser.add_argument("--requirements", type=Path, default=here / "requirements")
    parser.add_argument("--version", default="")
    parser.add_argument("--created", default="")
    parser.add_argument("--output", type=Path, default=Path("/dev/stdout"))
    given = parser.parse_args()
    given.output.write_text(
        bill(
            given.image,
            given.sources,
            given.requirements,
            version=given.version,
            created=given.created,
        )
    )
