"""etcd3's client, mended: what talks to one endpoint.

The package ``etcd3`` is kept as the client and helped where it cannot go on by itself:

- its generated stubs load on protobuf 3.20 only, so ours take their place before it is imported;
- it drops ``limit`` and ``revision`` of a read, and the revision of a transaction;
- it knows no deadline per call, sends tokens over TLS only, and never renews them;
- gRPC's own defaults notice a frozen server after minutes, if ever.

Its watch and its lock are not used: the former dies with its connection, the latter is broken.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from esi_flows.store import _etcdrpc

sys.modules.setdefault("etcd3.etcdrpc", _etcdrpc)

import etcd3  # noqa: E402  (after its stubs)
import etcd3.transactions  # noqa: E402  (likewise)
import grpc  # noqa: E402  (likewise)

rpc: Any = etcd3.etcdrpc
transactions: Any = etcd3.transactions
ClientError = (grpc.RpcError, etcd3.Etcd3Exception)

GRPC_OPTIONS = (
    # a frozen server is noticed after 15 s; keepalive_timeout alone makes that 70 s
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.http2.ping_timeout_ms", 5_000),
    ("grpc.http2.max_pings_without_data", 0),
    # etcd ends connections that ping without a call
    ("grpc.keepalive_permit_without_calls", 0),
    # a server that is back is noticed within a second, not after up to two minutes
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # etcd answers with up to 1000 revisions at once; the default would refuse 4 MiB
    ("grpc.max_receive_message_length", -1),
    # one connection per client, so that closing one hurts no other
    ("grpc.use_local_subchannel_pool", 1),
)

# a member that has lost its leader says so at once instead of keeping the request
_METADATA: tuple[tuple[str, str], ...] = (("hasleader", "true"),)


@dataclass(frozen=True, slots=True)
class Access:
    """Who we are to etcd, and how we know it: user and password, and names of PEM files."""

    user: str = ""
    password: str = ""
    ca_cert: str = ""
    cert: str = ""
    key: str = ""

    def __repr__(self) -> str:
        return f"Access(user={self.user!r}, ca_cert={self.ca_cert!r})"


class EndpointClient(etcd3.Etcd3Client):  # type: ignore[misc]  # etcd3 is untyped
    """etcd3's client for one endpoint, with a deadline per call and a renewable token."""

    def __init__(self, host: str, port: int, access: Access) -> None:
        self.endpoint = f"{host}:{port}"
        self.inspected = False
        self._access = access
        self._attempt = threading.local()
        self._authenticating = threading.Lock()
        super().__init__(
            host=host,
            port=port,
            ca_cert=access.ca_cert or None,
            cert_cert=access.cert or None,
            cert_key=access.key or None,
            grpc_options=GRPC_OPTIONS,
        )
        self.metadata = _METADATA

    @property
    def timeout(self) -> float | None:
        """Seconds that the running attempt of this thread has; etcd3 reads it at every call."""
        return getattr(self._attempt, "seconds", None)

    @timeout.setter
    def timeout(self, seconds: float | None) -> None:
        self._attempt.seconds = seconds

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Give every call that this thread makes inside of it so many seconds."""
        self.timeout = seconds
        try:
            yield
        finally:
            self.timeout = None

    def authenticate(self) -> None:
        """Get a token where there is a user and none is held. Raises grpc.RpcError.

        The token travels as metadata, so that a password works without TLS as well.
        """
        if not self._access.user:
            return
        with self._authenticating:
            if self.metadata is not _METADATA:
                return
            request = rpc.AuthenticateRequest(
                name=self._access.user, password=self._access.password
            )
            answer = rpc.AuthStub(self.channel).Authenticate(request, self.timeout)
            self.metadata = (*_METADATA, ("token", answer.token))

    def forget_token(self, metadata: Any) -> None:
        """Drop the token sent in ``metadata``, unless another thread has renewed it already."""
        with self._authenticating:
            if self.metadata is metadata:
                self.metadata = _METADATA

    def server_version(self) -> str:
        """What the server calls its version, e.g. ``3.4.23``."""
        answer = self.maintenancestub.Status(
            rpc.StatusRequest(), self.timeout, metadata=self.metadata
        )
        return str(answer.version)

    def build_txn(self, compares: Sequence[Any], ops: Sequence[Any]) -> Any:
        """A transaction of etcd3's compares and operations, as the message that is sent."""
        return rpc.TxnRequest(
            compare=[compare.build_message() for compare in compares],
            success=self._ops_to_requests(ops),
        )

    def send_txn(self, request: Any) -> Any:
        """Send a transaction; the whole answer, because etcd3's own drops the revision."""
        return self.kvstub.Txn(request, self.timeout, metadata=self.metadata)

    def open_watch(self, requests: Iterator[Any]) -> Any:
        """A watch stream: the gRPC call, to be iterated and cancelled."""
        return rpc.WatchStub(self.channel).Watch(requests, metadata=self.metadata)

    def _build_get_range_request(
        self, key: Any, range_end: Any = None, limit: int = 0, revision: int = 0, **kwargs: Any
    ) -> Any:
        # etcd3 takes limit and revision and drops them
        request = super()._build_get_range_request(key, range_end, **kwargs)
        request.limit = limit
        request.revision = revision
        return request
