"""The API document and its page, which `make api-document` writes here."""
