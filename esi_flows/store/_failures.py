"""What a failed call tells: whether the request can have been carried out, and what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

import grpc

from esi_flows.model.errors import (
    AccessDenied,
    Compacted,
    LeaseLost,
    NoSpace,
    StoreError,
    TooLarge,
)


class Fate(Enum):
    """What became of the request."""

    NOT_SENT = auto()
    """It never reached anything that could act on it; sending it again is safe."""
    UNKNOWN = auto()
    """It may have been carried out, may be carried out later, or never."""
    STALE_TOKEN = auto()
    """Refused because of the token; safe to send again with a new one."""
    NO_AUTH = auto()
    """A token was asked for, but the server works without authentication."""
    REFUSED = auto()
    """The server has answered, and will answer the same again."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed call, in etcd's words."""

    fate: Fate
    code: str
    details: str


# etcd's or gRPC's words where nothing can have happened, whatever the code
_NOT_SENT = (
    "failed to connect to all addresses",
    "DNS resolution failed",
    "etcdserver: no leader",
    "etcdserver: too many requests",
)
_STALE_TOKEN = (
    "etcdserver: invalid auth token",
    "etcdserver: revision of auth store is old",
    "etcdserver: user name is empty",
)
# every other code can come after the request was taken over
_ANSWERED = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.UNAUTHENTICATED,
    }
)
_EXPLAINED: tuple[tuple[str, type[StoreError], str], ...] = (
    (
        "database space exceeded",
        NoSpace,
        "compact, defragment, then disarm the alarm: etcdctl compact <revision>; "
        "etcdctl defrag; etcdctl alarm disarm",
    ),
    ("request is too large", TooLarge, "etcd takes 1.5 MiB in one request"),
    ("larger than max", TooLarge, "etcd takes 1.5 MiB in one request"),
    ("too many operations", TooLarge, "etcd takes 128 operations in one transaction"),
    ("requested lease not found", LeaseLost, "nothing was written; get a new lease"),
    ("permission denied", AccessDenied, "grant the user a role with read and write on the key"),
    ("authentication failed", AccessDenied, "check the user and the password of the settings"),
    ("user name is empty", AccessDenied, "etcd wants authentication: set a user and a password"),
    ("invalid auth token", AccessDenied, "etcd takes no token of ours: look at its log"),
)


def diagnose(error: Exception) -> Failure:
    """What became of the request that failed with ``error``."""
    call = _rpc_error(error)
    if call is None:
        return Failure(Fate.UNKNOWN, type(error).__name__, str(error))
    code, details = call.code(), call.details() or ""
    return Failure(_fate(code, details), code.name, details)


def diagnose_text(reason: str) -> Failure:
    """The same for a watch, which etcd ends with words alone."""
    return Failure(_fate(grpc.StatusCode.UNKNOWN, reason), "", reason)


def explain(failure: Failure, what: str) -> StoreError:
    """The error to raise for a request that was refused; ``what`` names the request."""
    message = f"{what}: {failure.details or failure.code}"
    if "required revision has been compacted" in failure.details:
        return Compacted(message, revision=0, hint="list again")
    for words, kind, hint in _EXPLAINED:
        if words in failure.details:
            return kind(message, hint=hint)
    return StoreError(message)


def _rpc_error(error: Exception) -> Any:
    # etcd3 raises a bare class of its own for some codes; what happened is in the context
    for candidate in (error, error.__context__):
        if isinstance(candidate, grpc.RpcError):
            return candidate
    return None


def _fate(code: grpc.StatusCode, details: str) -> Fate:
    if any(words in details for words in _NOT_SENT):
        return Fate.NOT_SENT
    if any(words in details for words in _STALE_TOKEN):
        return Fate.STALE_TOKEN
    if "authentication is not enabled" in details:
        return Fate.NO_AUTH
    return Fate.REFUSED if code in _ANSWERED else Fate.UNKNOWN
