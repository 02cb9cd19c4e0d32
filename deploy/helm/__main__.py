"""`make chart`: writes deploy/helm/barong, and lets Helm check it if there is one.

    python -m deploy.helm [--check]

`--check` writes nothing, and ends with 1 if the chart is not what the manifests make.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from deploy.go_tools import HELM
from deploy.helm.chart import CHART, chart
from deploy.local.processes import StartError


def main() -> None:
    """Writes or compares."""
    made = chart()
    there = {
        str(path.relative_to(CHART)): path.read_text()
        for path in CHART.rglob("*")
        if path.is_file()
    }
    different = sorted(name for name in {*made, *there} if made.get(name) != there.get(name))
    if "--check" in sys.argv[1:]:
        if different:
            sys.exit(f"not up to date, run `make chart`: {', '.join(different)}")
        return
    shutil.rmtree(CHART, ignore_errors=True)
    for name, text in made.items():
        path = CHART / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    print(f"{CHART.name}: {len(different)} of {len(made)} files changed")
    try:
        subprocess.run([helm(), "lint", "--strict", CHART], check=True)
    except StartError as error:
        print(f"not checked by Helm: {error}")
    except subprocess.CalledProcessError:
        sys.exit("Helm refuses the chart")


def helm() -> Path:
    """Helm of this machine, or one built for this folder. Raises StartError without both."""
    if found := shutil.which("helm"):
        return Path(found)
    return HELM.built()


if __name__ == "__main__":
    main()
