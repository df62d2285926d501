"""The store on etcd."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from esi_flows.model.errors import Compacted, LeaseLost, StoreError, TooLarge
from esi_flows.store._client import Access, EndpointClient, transactions
from esi_flows.store._keys import decode_key, encode_key, prefix_end
from esi_flows.store._session import Session
from esi_flows.store.base import (
    Compare,
    Delete,
    DeletePrefix,
    KeyValue,
    Op,
    Put,
    Range,
    Target,
    Txn,
)
from esi_flows.store.watch import EtcdWatch

T = TypeVar("T")

MAX_OPS = 128
"""Operations, and compares, that etcd takes in one transaction."""
MAX_REQUEST_BYTES = 1536 * 1024
"""Bytes that etcd takes in one request."""

_PAGE_KEYS = 1000
_COMPARES = {Target.CREATE: transactions.Create, Target.MOD: transactions.Mod}
_RANGE_TRIES = 3


def connect(
    endpoints: Sequence[str],
    *,
    user: str = "",
    password: str = "",
    ca_cert: str = "",
    cert: str = "",
    key: str = "",
    timeout_seconds: float = 5.0,
    allow_unsafe_server: bool = False,
) -> EtcdStore:
    """The store behind ``endpoints`` (``http://host:2379``); connects when first used.

    ``ca_cert``, ``cert`` and ``key`` name PEM files. ``timeout_seconds`` bounds every call, tries
    at all endpoints included. ``allow_unsafe_server`` accepts an etcd that is known to lose writes,
    for a sandbox that is thrown away. Raises SettingsInvalid.
    """
    access = Access(user=user, password=password, ca_cert=ca_cert, cert=cert, key=key)
    session = Session(
        endpoints,
        access,
        timeout_seconds=timeout_seconds,
        allow_unsafe_server=allow_unsafe_server,
    )
    return EtcdStore(session)


class EtcdStore:
    """:class:`~esi_flows.store.base.Store` on etcd. Made by :func:`connect`."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def get(self, key: str, *, revision: int = 0) -> KeyValue | None:
        """The key as it was at one revision (0: now, linearizable), or None.

        Raises StoreUnavailable, Compacted.
        """
        if revision:
            raw = encode_key(key)
            past = self._page(key, raw, raw + b"\0", revision)
            return _key_value(past.kvs[0]) if past.kvs else None
        answer = self._read(f"get {key}", lambda client: client.get_response(encode_key(key)))
        return _key_value(answer.kvs[0]) if answer.kvs else None

    def range(self, prefix: str, *, revision: int = 0) -> Range:
        """Every key that starts with ``prefix``, read at one revision, page by page.

        Raises StoreUnavailable, Compacted.
        """
        for _ in range(_RANGE_TRIES - 1):
            try:
                return self._range(prefix, revision)
            except Compacted:
                # compacted between two pages: start over, unless that revision was wanted
                if revision:
                    raise
        return self._range(prefix, revision)

    def watch(self, prefix: str, *, start_revision: int) -> EtcdWatch:
        """Watch every key that starts with ``prefix`` from ``start_revision`` on (0: from now)."""
        return EtcdWatch(self._session, prefix, start_revision=start_revision)

    def txn(self, compares: Sequence[Compare], ops: Sequence[Op]) -> Txn:
        """Do all ``ops`` if all ``compares`` hold, else nothing.

        Raises Indeterminate when the write may have happened, StoreUnavailable when it did not,
        TooLarge, NoSpace, LeaseLost.
        """
        what = f"transaction on {_name(compares, ops)}"
        if max(len(compares), len(ops)) > MAX_OPS:
            raise TooLarge(
                f"{what}: {len(compares)} compares and {len(ops)} operations,"
                f" etcd takes {MAX_OPS} of each",
                hint="write less at once; other limits are set with --max-txn-ops of etcd",
            )

        request = self._session.client().build_txn(
            [_compare(compare) for compare in compares], [_op(op) for op in ops]
        )
        _check_size(what, request.ByteSize())
        answer = self._session.call(what, lambda client: client.send_txn(request), write=bool(ops))
        return Txn(succeeded=answer.succeeded, revision=answer.header.revision)

    def put(self, key: str, value: bytes, *, lease: int = 0) -> int:
        """Write one key unconditionally; the revision of the write. Raises as :meth:`txn`."""
        what = f"put {key}"
        _check_size(what, len(value))
        answer = self._session.call(
            what, lambda client: client.put(encode_key(key), value, lease=lease), write=True
        )
        return int(answer.header.revision)

    def delete(self, key: str) -> bool:
        """Remove one key; whether it was there. Raises as :meth:`txn`."""
        return bool(
            self._session.call(
                f"delete {key}", lambda client: client.delete(encode_key(key)), write=True
            )
        )

    def grant(self, ttl_seconds: int) -> int:
        """A new lease; its id. Raises StoreUnavailable, NoSpace."""
        # sent again without harm: a lease that nobody knows ends by itself
        return int(self._read("grant a lease", lambda client: client.lease(ttl_seconds)).id)

    def keep_alive(self, lease: int) -> float:
        """Refresh a lease once; seconds it has left, 0 or less if it has expired."""
        what = f"keep lease {lease:x} alive"
        answers = self._read(what, lambda client: list(client.refresh_lease(lease)))
        if not answers:
            raise StoreError(f"{what}: etcd ended the stream without an answer")
        return float(answers[0].TTL)

    def revoke(self, lease: int) -> None:
        """End a lease and remove its keys; no error if it is gone."""
        with contextlib.suppress(LeaseLost):
            self._read(f"revoke lease {lease:x}", lambda client: client.revoke_lease(lease))

    def close(self) -> None:
        """Release connections; running watches end."""
        self._session.close()

    def _read(self, what: str, operation: Callable[[EndpointClient], T]) -> T:
        """A request that can be sent again without harm."""
        return self._session.call(what, operation, write=False)

    def _range(self, prefix: str, revision: int) -> Range:
        start, end = encode_key(prefix), prefix_end(prefix)
        items: list[KeyValue] = []
        while True:
            answer = self._page(prefix, start, end, revision)
            revision = revision or answer.header.revision
            items += map(_key_value, answer.kvs)
            if not answer.more:
                return Range(tuple(items), revision)
            start = answer.kvs[-1].key + b"\0"

    def _page(self, prefix: str, start: bytes, end: bytes, revision: int) -> Any:
        return self._read(
            f"list {prefix}",
            lambda client: client.get_range_response(
                start, end, limit=_PAGE_KEYS, revision=revision
            ),
        )


def _key_value(kv: Any) -> KeyValue:
    return KeyValue(decode_key(kv.key), kv.value, kv.create_revision, kv.mod_revision, kv.lease)


def _compare(compare: Compare) -> Any:
    # etcd3 makes a compare of what looks like a comparison
    return _COMPARES[compare.target](encode_key(compare.key)) == compare.revision


def _op(op: Op) -> Any:
    match op:
        case Put(key, value, lease):
            return transactions.Put(encode_key(key), value, lease)
        case Delete(key):
            return transactions.Delete(encode_key(key))
        case DeletePrefix(prefix):
            return transactions.Delete(encode_key(prefix), prefix_end(prefix))


def _name(compares: Sequence[Compare], ops: Sequence[Op]) -> str:
    """The first key of a transaction, and how many more there are."""
    keys = [op.prefix if isinstance(op, DeletePrefix) else op.key for op in ops]
    keys = keys or [compare.key for compare in compares]
    more = f" and {len(keys) - 1} more" if len(keys) > 1 else ""
    return f"{keys[0]}{more}" if keys else "nothing"


def _check_size(what: str, size: int) -> None:
    if size > MAX_REQUEST_BYTES:
        raise TooLarge(
            f"{what}: {size} bytes, etcd takes {MAX_REQUEST_BYTES} in one request",
            hint="write less at once, or keep the large part outside of etcd",
        )
