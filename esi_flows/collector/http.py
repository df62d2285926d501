"""Targets of type ``http``: a server answers at ``url``, and may tell its status in JSON."""

from __future__ import annotations

import asyncio
import functools
import io
import json
import ssl
from http.client import HTTPException, HTTPResponse
from typing import Any
from urllib.parse import SplitResult, urlsplit

from esi_flows.collector.drivers import FAIL, UP, ProbeFailed, Status, Surroundings
from esi_flows.collector.networks import Networks, NotAllowed, NotResolved
from esi_flows.model.results import Target

_MOST_BYTES = 65536
"""Of an answer, its head included; more is a defect of the server, or meant to harm."""

_PORTS = {"http": 80, "https": 443}


class HttpDriver:
    """UP where the answer's status is 2xx, FAIL where it is another or there is none.

    With the property ``member``, a name or a list of names, the status is that member of the
    answer's JSON. Redirects are not followed; certificates are verified. The answer ends with the
    connection, as it does in HTTP/1.0.
    """

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    async def status(self, target: Target) -> Status:
        """GET it once. Raises ProbeFailed."""
        url = _url(target)
        member = target.properties.get("member", [])
        path = [member] if isinstance(member, str) else member
        if not isinstance(path, list) or not all(isinstance(name, str) for name in path):
            raise ProbeFailed("the property member is a name, or a list of names")
        host, port = url.hostname or "", url.port or _PORTS[url.scheme]
        try:
            address = await self._networks.resolve(host, port)
        except (NotAllowed, NotResolved) as error:
            raise ProbeFailed(error.message, hint=error.hint) from error
        try:
            answer, body = _parsed(await _get(url, address, port))
        except (OSError, HTTPException):
            return FAIL
        if not 200 <= answer.status < 300:
            return FAIL
        return _member(body, path) if path else UP


def _url(target: Target) -> SplitResult:
    """Raises ProbeFailed for anything but an absolute URL without control characters."""
    text = target.properties.get("url")
    try:
        url = urlsplit(text if isinstance(text, str) and text.isprintable() else "")
        is_one = url.scheme in _PORTS and bool(url.hostname) and url.port != 0
    except ValueError:
        is_one = False
    if not is_one or " " in str(text) or not str(text).isascii():
        raise ProbeFailed("a target of type http has the property url: http://host:port/path")
    return url


async def _get(url: SplitResult, address: str, port: int) -> bytes:
    """The raw answer. Raises OSError, ProbeFailed where it is too long."""
    context = _verifying() if url.scheme == "https" else None
    reader, writer = await asyncio.open_connection(
        address, port, ssl=context, server_hostname=url.hostname if context else None
    )
    try:
        asked = url._replace(scheme="", netloc="", fragment="").geturl() or "/"
        host = url.netloc.rpartition("@")[2]
        head = f"GET {asked} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        raw = bytearray()
        while chunk := await reader.read(_MOST_BYTES):
            raw += chunk
            if len(raw) > _MOST_BYTES:
                raise ProbeFailed(f"the answer is longer than {_MOST_BYTES} bytes")
        return bytes(raw)
    finally:
        writer.transport.abort()


class _Received:
    """What the standard library's parser takes for a socket."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def makefile(self, *_: Any) -> io.BytesIO:
        return io.BytesIO(self._raw)


def _parsed(raw: bytes) -> tuple[HTTPResponse, bytes]:
    """The answer, and its body. Raises HTTPException."""
    answer = HTTPResponse(_Received(raw), method="GET")  # type: ignore[arg-type]
    answer.begin()
    return answer, answer.read()


def _member(body: bytes, path: list[str]) -> Status:
    try:
        found = json.loads(body)
        for name in path:
            found = found[name]
    except (ValueError, RecursionError, KeyError, TypeError, IndexError) as error:
        raise ProbeFailed(f"the answer has no member {'.'.join(path)}") from error
    if isinstance(found, str):
        return found
    if isinstance(found, dict) and all(isinstance(part, str) for part in found.values()):
        return {str(name): part for name, part in found.items()}
    raise ProbeFailed(f"the member {'.'.join(path)} is neither text nor an object of texts")


@functools.cache
def _verifying() -> ssl.SSLContext:
    return ssl.create_default_context()


def make_driver(surroundings: Surroundings) -> HttpDriver:
    """The driver of the entry point ``http``."""
    return HttpDriver(surroundings.networks)
