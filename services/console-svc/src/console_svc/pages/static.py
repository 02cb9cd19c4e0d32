"""Style, scripts and the theme: each file under an address that changes with its content."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from shared.settings import SettingsError

PREFIX = "/console-static"
_FOLDER = Path(__file__).parents[1] / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_THEME = ("theme.css", "logo.svg")
_MAX_THEME_BYTES = 256 * 1024
_FOREVER = "public, max-age=31536000, immutable"
# A picture may carry script: opened by itself it may run and load nothing.
_SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file, and the same compressed."""

    content: bytes
    compressed: bytes
    media_type: str
    digest: str


@dataclass(frozen=True, slots=True)
class StaticFiles:
    """All files by their names."""

    files: Mapping[str, StaticFile]

    @classmethod
    def read(cls, theme_dir: str) -> "StaticFiles":
        """The packaged files, those of the theme replaced; raises `SettingsError`."""
        paths = {path.name: path for path in _FOLDER.rglob("*") if path.suffix in _TYPES}
        if theme_dir:
            theme = {name: Path(theme_dir, name) for name in _THEME}
            given = {name: path for name, path in theme.items() if path.is_file()}
            if not given:
                raise SettingsError(
                    [f"BARONG_CONSOLE_THEME_DIR: {theme_dir}: Has neither theme.css nor logo.svg."]
                )
            if large := [p for p in given.values() if p.stat().st_size > _MAX_THEME_BYTES]:
                raise SettingsError(
                    f"{path}: More than {_MAX_THEME_BYTES} bytes." for path in large
                )
            paths |= given
        return cls({name: _file(path) for name, path in paths.items()})

    def url(self, name: str) -> str:
        """The address of a file."""
        return f"{PREFIX}/{self.files[name].digest}/{name}"

    async def answer(self, request: web.Request) -> web.Response:
        """GET /console-static/{digest}/{name}: an old digest gets today's file, uncached."""
        file = self.files.get(request.match_info["name"])
        if file is None:
            raise web.HTTPNotFound
        current = request.match_info["digest"] == file.digest
        headers = {
            "Content-Type": file.media_type,
            "Cache-Control": _FOREVER if current else "no-cache",
            "Content-Security-Policy": _SANDBOX,
            "X-Content-Type-Options": "nosniff",
            "Vary": "Accept-Encoding",
        }
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            return web.Response(
                body=file.compressed, headers={**headers, "Content-Encoding": "gzip"}
            )
        return web.Response(body=file.content, headers=headers)


def _file(path: Path) -> StaticFile:
    content = path.read_bytes()
    return StaticFile(
        content,
        gzip.compress(content, 9, mtime=0),
        _TYPES[path.suffix],
        hashlib.sha256(content).hexdigest()[:16],
    )
