"""`make openapi`: prints the API document; `make api-document` writes it where the gateway is."""

import sys

from deploy.openapi.files import CARRIED, text

if sys.argv[1:] == ["--write"]:
    CARRIED.write_text(text())
else:
    sys.stdout.write(text())
