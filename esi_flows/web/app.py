"""The application: which address is which page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from esi_flows.store.base import Store
from esi_flows.web.access import SESSION_SECONDS, Sessions, Tokens
from esi_flows.web.actions import act, read_form
from esi_flows.web.folders import Folder
from esi_flows.web.guard import SESSION_COOKIE, Guard
from esi_flows.web.hub import Hub
from esi_flows.web.live import Live
from esi_flows.web.render import Assets, make_environment
from esi_flows.web.site import Site

_Endpoint = Callable[[Request], Awaitable[Response]]
_WRONG_TOKEN_SECONDS = 0.5
"""How long whoever has a wrong token waits for the answer."""


def make_app(
    live: Live,
    store: Store,
    hub: Hub,
    *,
    folders: Sequence[Folder] = (),
    tokens: Tokens,
    person: str,
    acts: bool = False,
) -> Starlette:
    """The application on a running copy of the store. ``person``: who acts where nobody is asked.

    Everything but reading one group and giving orders is answered from memory.
    """
    assets, sessions = Assets(), Sessions(tokens)
    site = Site(live, store, make_environment(assets), sessions, folders, acts)

    async def do(request: Request) -> Response:
        return await act(site, request)

    def health(request: Request) -> Response:
        return JSONResponse({"ok": True, "checks": {}})

    def readiness(request: Request) -> Response:
        checks = {"synced": live.is_synced}
        ok = all(checks.values())
        return JSONResponse({"ok": ok, "checks": checks}, 200 if ok else 503)

    routes = [
        Route("/", site.deployments),
        Route("/deployments/{name}", site.deployment),
        Route("/deployments/{name}/graph.svg", site.graph),
        Route("/groups", site.groups),
        Route("/groups/{name:path}", site.group),
        Route("/quarantine", site.quarantine),
        Route("/conductors", site.conductors),
        Route("/stream", _stream(hub)),
        Route("/login", _login(site, tokens), methods=["GET", "POST"]),
        Route("/act/{verb}", do, methods=["POST"]),
        Route("/assets/{name}", assets.answer),
        Route("/healthz", health),
        Route("/readyz", readiness),
    ]
    guard = Middleware(Guard, tokens=tokens, sessions=sessions, person=person)
    return Starlette(routes=routes, middleware=[guard])


def _stream(hub: Hub) -> _Endpoint:
    async def stream(request: Request) -> Response:
        known = request.headers.get("last-event-id") or request.query_params.get("after", "")
        revision = int(known) if known.isdecimal() and len(known) < 20 else 0
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(hub.stream(revision), 200, headers, "text/event-stream")

    return stream


def _login(site: Site, tokens: Tokens) -> _Endpoint:
    async def login(request: Request) -> Response:
        wanted = request.query_params.get("next", "/")
        next_page = wanted if wanted.startswith("/") and wanted[1:2] not in ("/", "\\") else "/"
        if request.method == "GET":
            return site.answer(request, "login.html", is_wrong=False)
        form = await read_form(request) or {}
        owner = tokens.owner(form.get("token", "").strip())
        if owner is None:
            await asyncio.sleep(_WRONG_TOKEN_SECONDS)
            return site.answer(request, "login.html", 403, is_wrong=True)
        answer = RedirectResponse(next_page, 303)
        answer.set_cookie(
            SESSION_COOKIE,
            site.sessions.begin(owner),
            max_age=int(SESSION_SECONDS),
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
        return answer

    return login
