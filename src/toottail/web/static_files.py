"""Static files: few and small, so they are read once and kept, each under a name with its hash."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_FOREVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class StaticFile:
    """A file, as it is and compressed; ``path`` is where it is served."""

    path: str
    media_type: str
    body: bytes
    small: bytes


@cache
def files() -> Mapping[str, StaticFile]:
    """All of them, by their name."""
    return {path.name: _read(path) for path in sorted(_FOLDER.iterdir()) if path.suffix in _TYPES}


def _read(path: Path) -> StaticFile:
    body = path.read_bytes()
    name = f"{path.stem}.{sha256(body).hexdigest()[:12]}{path.suffix}"
    return StaticFile(f"/static/{name}", _TYPES[path.suffix], body, gzip.compress(body, mtime=0))


def address(name: str) -> str:
    """Where the file ``name`` is served. Raises `KeyError`."""
    return files()[name].path


async def serve(request: Request) -> Response:
    """GET /static/NAME.HASH.TYPE."""
    found = next((file for file in files().values() if file.path == request.url.path), None)
    if found is None:
        raise HTTPException(404)
    headers = {"Cache-Control": _FOREVER, "Vary": "Accept-Encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        return Response(found.small, media_type=found.media_type, headers=headers)
    return Response(found.body, media_type=found.media_type, headers=headers)


async def favicon(_: Request) -> Response:
    """GET /favicon.ico, which browsers ask for by that name."""
    return RedirectResponse(address("logo.svg"), status_code=302)
