"""Pages from templates of ours, escaped; assets under names that change with their content."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import Response

from esi_flows.web import words

_FOLDER = resources.files("esi_flows.web") / "assets"
_KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


class Assets:
    """The files that pages use, in memory."""

    def __init__(self) -> None:
        self._by_path: dict[str, tuple[bytes, str]] = {}
        self._paths: dict[str, str] = {}
        for file in _FOLDER.iterdir():
            stem, _, suffix = file.name.rpartition(".")
            if suffix not in _KINDS:
                continue
            content = file.read_bytes()
            path = f"{stem}-{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"
            self._by_path[path] = (content, _KINDS[suffix])
            self._paths[file.name] = f"/assets/{path}"

    def path(self, name: str) -> str:
        """Where an asset is served."""
        return self._paths[name]

    def answer(self, request: Request) -> Response:
        """The asset that is asked for; it never changes under its name."""
        found = self._by_path.get(request.path_params["name"])
        if found is None:
            return Response("there is no such file\n", status_code=404, media_type="text/plain")
        headers = {"Cache-Control": "public, max-age=31536000, immutable"}
        return Response(found[0], media_type=found[1], headers=headers)


def make_environment(assets: Assets) -> Environment:
    """The templates' environment; everything put into a page is escaped."""
    environment = Environment(
        loader=PackageLoader("esi_flows.web", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = assets.path
    for name in ("css", "short", "seconds", "moment", "moment_utc", "url"):
        environment.filters[name] = getattr(words, name)
    return environment


def page(request: Request, text: str, status: int = 200) -> Response:
    """A page, or word that the one the browser has is the same still."""
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if status == 200 and request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(text, status, headers, media_type="text/html")


Values = dict[str, Any]
