"""Take out of Babel's locales what no page shows: names of units, currencies and time zones.

`python deploy/locales.py FOLDER`, in the build of console-svc's image. Babel carries 1,100 locales
in 32 MB. All of them stay, since an operator may add a language; two thirds of each go.
"""

import pickle
import sys
from pathlib import Path

UNUSED = (
    "compact_currency_formats",
    "compact_decimal_formats",
    "compound_unit_patterns",
    "currency_formats",
    "currency_names",
    "currency_names_plural",
    "currency_symbols",
    "currency_unit_patterns",
    "date_fields",
    "interval_formats",
    "meta_zones",
    "time_zones",
    "unit_display_names",
    "unit_patterns",
)
"""Parts of a locale. The pages show dates, times in UTC, and names of languages."""


def shrink(folder: Path) -> None:
    """Shrink the locales of the Babel in `folder`, which can be imported."""
    for file in (folder / "babel" / "locale-data").glob("*.dat"):
        locale = pickle.loads(file.read_bytes())  # noqa: S301 - Babel's own files
        for part in UNUSED:
            locale.pop(part, None)
        file.write_bytes(pickle.dumps(locale, protocol=pickle.HIGHEST_PROTOCOL))


if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
    shrink(Path(sys.argv[1]))
