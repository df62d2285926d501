"""What every request passes through: who asks, whether it comes from our pages, strict headers."""

from __future__ import annotations

from urllib.parse import quote

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from esi_flows.web.access import Sessions, Tokens

SESSION_COOKIE = "esi_flows_session"
OPEN_PATHS = ("/assets/", "/healthz", "/readyz", "/login")
LOCAL_HOSTS = ("127.0.0.1", "localhost", "[::1]")

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Guard:
    """Lets through who may; puts the name of who asks into ``request.state.person``.

    ``person`` is who everybody counts as where no tokens are: then only names of this host are
    served, so that no page elsewhere can make a browser here read them.
    """

    def __init__(self, app: ASGIApp, tokens: Tokens, sessions: Sessions, person: str) -> None:
        self._app = app
        self._tokens = tokens
        self._sessions = sessions
        self._person = person

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        refused = self._refused(Request(scope))
        await (refused or self._app)(scope, receive, send_with_headers)

    def _refused(self, request: Request) -> Response | None:
        headers = request.headers
        if request.method not in ("GET", "HEAD") and not _is_same_site(headers):
            return PlainTextResponse("the form comes from another site\n", 403)
        if not self._tokens.by_name:
            host = headers.get("host", "").rpartition(":")[0] or headers.get("host", "")
            if host not in LOCAL_HOSTS:
                return PlainTextResponse(f"ask for {LOCAL_HOSTS[0]}, not for {host}\n", 421)
            request.state.person = self._person
            return None
        person = self._owner(request)
        request.state.person = person or ""
        if person is not None or request.url.path.startswith(OPEN_PATHS):
            return None
        if "text/html" in headers.get("accept", ""):
            wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?next={quote(wanted)}", 303)
        return PlainTextResponse(
            "who are you?\n", 401, {"WWW-Authenticate": 'Bearer realm="esi-flows"'}
        )

    def _owner(self, request: Request) -> str | None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.casefold() == "bearer":
            return self._tokens.owner(token.strip())
        return self._sessions.owner(request.cookies.get(SESSION_COOKIE, ""))


def _is_same_site(headers: Headers) -> bool:
    origin = headers.get("origin")
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    return origin is None or origin.partition("://")[2] == headers.get("host")
