"""Calls to an etcd of several endpoints: which one, how long, what to send again, what never.

The law: a request is sent again only when it changes nothing, or when it provably never reached a
server. Anything else is reported as unknown, and the caller reads back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import TypeVar
from urllib.parse import urlsplit

from esi_flows.model.errors import (
    Indeterminate,
    ServerError,
    SettingsInvalid,
    StoreUnavailable,
)
from esi_flows.store._client import Access, ClientError, EndpointClient
from esi_flows.store._failures import Failure, Fate, diagnose, explain
from esi_flows.store.versions import check_version

LOG = logging.getLogger(__name__)

T = TypeVar("T")

_PAUSE_SECONDS = 0.05
_MIN_ATTEMPT_SECONDS = 0.5
_MAX_STALE_TOKENS = 3


class Session:
    """One etcd behind one or more endpoints. Thread-safe; connects when first asked."""

    def __init__(
        self,
        endpoints: Sequence[str],
        access: Access,
        *,
        timeout_seconds: float,
        allow_unsafe_server: bool = False,
    ) -> None:
        self._addresses = [_address(endpoint, access) for endpoint in endpoints]
        if not self._addresses:
            raise SettingsInvalid(
                "no etcd endpoint is given", hint="name at least one, e.g. http://127.0.0.1:2379"
            )
        _check_access(access)
        self._access = access
        self._timeout = timeout_seconds
        self._allow_unsafe_server = allow_unsafe_server
        self._clients: dict[int, EndpointClient] = {}
        self._current = 0
        self._lock = threading.Lock()
        self._closed = threading.Event()

    @property
    def closed(self) -> threading.Event:
        """Set once the session is closed."""
        return self._closed

    def call(self, what: str, operation: Callable[[EndpointClient], T], *, write: bool) -> T:
        """The result of ``operation``, tried at one endpoint after the other until the timeout.

        ``what`` names the request in errors. ``write``: a second sending could do harm. Raises
        StoreUnavailable (not done), Indeterminate (a write that may be done), ServerError, and
        what :func:`~esi_flows.store._failures.explain` makes of a refusal.
        """
        deadline = time.monotonic() + self._timeout
        tries = stale = 0
        while True:
            client = self.client()
            sent = False
            metadata = None
            try:
                with client.within(self._attempt_seconds(deadline, write=write)):
                    self.prepare(client)
                    metadata = client.metadata
                    sent = True
                    return operation(client)
            except (*ClientError, ValueError) as error:
                self._raise_if_closed(error, what, write=write and sent)
                failure = diagnose(error)
                stale += failure.fate is Fate.STALE_TOKEN
                if failure.fate is Fate.REFUSED or stale > self._stale_tokens_allowed:
                    raise explain(failure, what) from error
                if sent and write and failure.fate is Fate.UNKNOWN:
                    self.leave(client)
                    raise _indeterminate(what, client, failure) from error
                self._react(client, failure, metadata)
                tries += failure.fate is not Fate.STALE_TOKEN
                pause = _PAUSE_SECONDS if tries % len(self._addresses) == 0 else 0.0
                if time.monotonic() + pause >= deadline:
                    raise self._unavailable(what, client, failure) from error
            self._closed.wait(pause)

    def client(self) -> EndpointClient:
        """The client of the endpoint in use. Raises StoreUnavailable once closed."""
        with self._lock:
            if self._closed.is_set():
                raise StoreUnavailable("the store is closed")
            client = self._clients.get(self._current)
            if client is None:
                host, port = self._addresses[self._current]
                client = EndpointClient(host, port, self._access)
                self._clients[self._current] = client
            return client

    def prepare(self, client: EndpointClient) -> None:
        """See that ``client`` holds a token and its server is fit to be used.

        Raises ServerError, grpc.RpcError; nothing of a caller's request has left by then.
        """
        try:
            client.authenticate()
        except ClientError as error:
            failure = diagnose(error)
            if failure.fate is not Fate.NO_AUTH:
                raise
            LOG.warning("etcd works without authentication; the user is not used")
        if not client.inspected:
            self._inspect(client)

    def leave(self, client: EndpointClient) -> None:
        """Use the next endpoint from now on, unless another thread has moved on already."""
        with self._lock:
            if len(self._addresses) > 1 and self._clients.get(self._current) is client:
                self._current = (self._current + 1) % len(self._addresses)
                LOG.info("left an etcd endpoint", extra={"endpoint": client.endpoint})

    def close(self) -> None:
        """Close every connection; calls and watches under way end."""
        with self._lock:
            self._closed.set()
            clients = list(self._clients.values())
            self._clients.clear()
        for client in clients:
            client.close()

    def _attempt_seconds(self, deadline: float, *, write: bool) -> float:
        left = max(deadline - time.monotonic(), 0.001)
        if write or len(self._addresses) == 1:
            return left
        # leave time to ask the others when this one is frozen
        share = max(self._timeout / len(self._addresses), _MIN_ATTEMPT_SECONDS)
        return min(left, share)

    def _inspect(self, client: EndpointClient) -> None:
        version = client.server_version()
        try:
            check_version(version, allow_unsafe=self._allow_unsafe_server)
        except ServerError as error:
            raise ServerError(f"{client.endpoint}: {error.message}", hint=error.hint) from None
        client.inspected = True
        LOG.info("connected to etcd", extra={"endpoint": client.endpoint, "version": version})

    @property
    def _stale_tokens_allowed(self) -> int:
        return _MAX_STALE_TOKENS if self._access.user else 0

    def _react(self, client: EndpointClient, failure: Failure, metadata: object) -> None:
        if failure.fate is Fate.STALE_TOKEN:
            client.forget_token(metadata)
        else:
            self.leave(client)

    def _raise_if_closed(self, error: Exception, what: str, *, write: bool) -> None:
        if self._closed.is_set():
            kind = Indeterminate if write and isinstance(error, ClientError) else StoreUnavailable
            raise kind(f"{what}: the store was closed meanwhile") from error
        if isinstance(error, ValueError):
            raise error

    def _unavailable(self, what: str, client: EndpointClient, failure: Failure) -> StoreUnavailable:
        asked = ",".join(f"{host}:{port}" for host, port in self._addresses)
        return StoreUnavailable(
            f"{what}: etcd did not answer within {self._timeout:g} s"
            f" ({client.endpoint}: {failure.code}: {failure.details})",
            hint="check that etcd runs and has a leader: "
            f"etcdctl endpoint status --endpoints={asked}",
        )


def _indeterminate(what: str, client: EndpointClient, failure: Failure) -> Indeterminate:
    return Indeterminate(
        f"{what}: may or may not have been written"
        f" ({client.endpoint}: {failure.code}: {failure.details})",
        hint="read back before doing anything about it",
    )


def _address(endpoint: str, access: Access) -> tuple[str, int]:
    """Host and port of ``http://host:2379``, ``https://host:2379`` or ``host:2379``."""
    url = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}")
    try:
        host, port = url.hostname, url.port or 2379
    except ValueError:
        host = None
    if host is None or url.scheme not in ("", "http", "https"):
        raise SettingsInvalid(
            f"{endpoint!r} is no etcd endpoint", hint="write it as http://host:2379"
        )
    if url.scheme == "https" and not access.ca_cert:
        raise SettingsInvalid(f"{endpoint}: https needs a CA certificate", hint="set ca_cert")
    if url.scheme == "http" and access.ca_cert:
        raise SettingsInvalid(
            f"{endpoint}: a CA certificate is set, but this endpoint is without TLS",
            hint="write it as https://..., or leave ca_cert empty",
        )
    return (f"[{host}]" if ":" in host else host), port


def _check_access(access: Access) -> None:
    """Raises SettingsInvalid for what could not work with any server."""
    if bool(access.user) != bool(access.password):
        raise SettingsInvalid("user and password of etcd go together", hint="set both or neither")
    if bool(access.cert) != bool(access.key) or (access.cert and not access.ca_cert):
        raise SettingsInvalid(
            "a client certificate needs its key and a CA certificate",
            hint="set ca_cert, cert and key, or ca_cert alone",
        )
    for name in (access.ca_cert, access.cert, access.key):
        try:
            if name:
                with open(name, "rb"):
                    pass
        except OSError as error:
            raise SettingsInvalid(f"{name}: {error.strerror}") from error
