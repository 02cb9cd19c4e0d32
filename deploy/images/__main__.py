"""`make images`: builds every image and checks it; says why if this machine cannot.

    python -m deploy.images [--tag TAG]

Ends with 0 also where no container engine or no base image can be had: it then says so. A fault of
an image ends it with 1.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from deploy.images.build import build_all
from deploy.images.engine import NoEngineError, engine
from deploy.version import VersionError, git, version_of

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Builds and checks, and prints a line for each image."""
    parser = argparse.ArgumentParser(prog="make images", description="Build and check all images.")
    parser.add_argument("--tag", help="otherwise the version of the commit, and whether it is that")
    given = parser.parse_args()
    try:
        version = version_of(ROOT)
        changed = "-dirty" if git(ROOT, "status", "--porcelain", "--untracked-files=no") else ""
        with engine() as docker:
            for _ in build_all(docker, ROOT, given.tag or version.text + changed, version):
                pass
    except VersionError as error:
        sys.exit(f"images: {error}")
    except NoEngineError as error:
        print(f"images: not built here: {error}")
    except subprocess.TimeoutExpired as error:
        print(f"images: not built here: {error.cmd[1]} takes more than {error.timeout:.0f} s")
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(map(str, error.cmd[:3]))} … failed:\n{error.stdout}")
    except AssertionError as error:
        sys.exit(f"images: {error}")


if __name__ == "__main__":
    main()
