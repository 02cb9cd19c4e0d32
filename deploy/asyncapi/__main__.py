"""`make asyncapi` prints the document; `make event-catalogue` writes what the contract makes."""

import sys

from deploy.asyncapi.files import Breaks, check, text, written

if sys.argv[1:] == ["--write"]:
    try:
        check()
    except Breaks as error:
        sys.exit(f"These changes need a new version in shared/contracts/catalogue.py:\n{error}")
    for file, content in written().items():
        file.write_text(content)
else:
    sys.stdout.write(text())
