"""`make openapi`: prints the API document, or writes it and its page into a folder."""

import sys
from pathlib import Path

from deploy.openapi.files import DOCUMENT, files

if sys.argv[1:]:
    for name, content in files().items():
        (Path(sys.argv[1]) / name).write_text(content)
else:
    sys.stdout.write(files()[DOCUMENT])
