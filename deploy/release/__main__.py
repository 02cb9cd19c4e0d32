"""`make release`: builds everything that a release hands out, from a clean clone.

    python -m deploy.release [--commit HEAD] [--output FOLDER] [--images]

The clone has what is committed, and nothing else. The same commit gives the same bytes.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from deploy.images.engine import NoEngineError
from deploy.version import VersionError, git, source_url, version_of

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Clones, builds there, and prints what was made."""
    parser = argparse.ArgumentParser(prog="make release", description=__doc__)
    parser.add_argument("--commit", default="HEAD", help="a tag or a commit; HEAD by default")
    parser.add_argument("--output", type=Path, default=ROOT / ".local" / "release")
    parser.add_argument("--images", action="store_true", help="also build and save all images")
    given = parser.parse_args()
    try:
        release(given.commit, given.output, images=given.images)
    except (VersionError, NoEngineError) as error:
        sys.exit(f"release: {error}")
    except subprocess.CalledProcessError as error:
        sys.exit(f"release: {' '.join(map(str, error.cmd[:6]))} failed\n{error.stderr or ''}")


def release(commit: str, output: Path, *, images: bool = False) -> None:
    """Replaces the folder `output` by the artefacts of a commit."""
    with tempfile.TemporaryDirectory() as scratch:
        clone, made = Path(scratch, "clone"), Path(scratch, "made")
        made.mkdir()
        _clone(commit, clone)
        version = version_of(clone)
        subprocess.run(
            [
                *(sys.executable, "-m", "deploy.release.artefacts", str(made)),
                *("--tools", str(ROOT / ".local"), *(["--images"] if images else [])),
            ],
            cwd=clone,
            # The packages of this environment come from this folder; the clone's stand before them.
            env={
                **os.environ,
                "BARONG_SOURCE_URL": source_url(ROOT),  # the clone's origin is this folder
                "PYTHONPATH": f"{clone}:{clone}/shared/src",
            },
            check=True,
        )
        shutil.rmtree(output, ignore_errors=True)
        output.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(made, output)
    print(f"{version.text} of {version.commit}, in {output}:")
    for path in sorted(output.iterdir()):
        print(f"  {path.name}  {path.stat().st_size:,} bytes")
    if not version.released:
        print(f"No release: the commit has no tag v{version.text.partition('-dev')[0]}.")


def _clone(commit: str, clone: Path) -> None:
    wanted = git(ROOT, "rev-parse", "--verify", f"{commit}^{{commit}}")
    git(ROOT, "clone", "--quiet", "--no-checkout", str(ROOT), str(clone))
    git(clone, "checkout", "--quiet", "--detach", wanted)


if __name__ == "__main__":
    main()
