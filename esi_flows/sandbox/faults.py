"""Fault switches: what is to go wrong, where, and how often."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from esi_flows.sandbox.errors import CloudError


class FaultKind(StrEnum):
    """What can go wrong."""

    STATUS = "status"
    """The request is answered with ``status`` (and ``retry_after``), and not carried out."""
    RESET = "reset"
    """The connection is reset; the request is not carried out."""
    LOST_REPLY = "lost_reply"
    """The request is carried out, but the connection closes before the answer."""
    DELAY = "delay"
    """The request is carried out ``seconds`` late."""
    FAIL = "fail"
    """A resource fails with ``reason``."""
    HANG = "hang"
    """A resource stays in progress for ever (no time-out ends it)."""
    SLOW = "slow"
    """A resource takes ``seconds`` more (not scaled by the cloud's speed)."""
    STALE = "stale"
    """For ``seconds`` after an update or deletion was accepted the old state is reported."""
    MONITOR = "monitor"
    """A monitored thing has ``monitor_status``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One switch. Patterns are shell-like (``*`` also matches slashes); an empty one matches all.

    ``method`` and ``path`` choose requests; ``stack``, ``type``, ``resource`` and ``action``
    choose stacks and their resources (``type`` and ``stack`` also monitored things: their type
    and name). ``times``: how often it strikes, None for always.
    """

    kind: FaultKind
    method: str = ""
    path: str = ""
    stack: str = ""
    type: str = ""
    resource: str = ""
    action: str = ""
    times: int | None = None
    status: int = 503
    message: str = ""
    retry_after: float | None = None
    reason: str = "made to fail"
    seconds: float = 0.0
    monitor_status: str = "FAIL"
    id: str = ""

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Fault:
        """A fault from JSON. Raises CloudError naming what is wrong."""
        known = {f.name for f in fields(cls)} - {"id"}
        unknown = sorted(set(body) - known)
        if unknown:
            raise CloudError(f"unknown member {unknown[0]!r}; known: {', '.join(sorted(known))}")
        try:
            kind = FaultKind(str(body.get("kind")))
        except ValueError as error:
            kinds = ", ".join(FaultKind)
            raise CloudError(f"unknown kind {body.get('kind')!r}; known: {kinds}") from error
        for name, value in body.items():
            if not isinstance(value, _MEMBERS.get(name, str)) or isinstance(value, bool):
                raise CloudError(f"member {name!r} may not be {value!r}")
            if isinstance(value, int | float) and not 0 <= value <= _LARGEST:
                raise CloudError(f"member {name!r} must be between 0 and {_LARGEST}")
        if body.get("times") == 0:
            raise CloudError("member 'times' must be 1 or more, or null for always")
        if not 100 <= body.get("status", 503) <= 599:
            raise CloudError("member 'status' must be an HTTP status")
        return cls(**{**body, "kind": kind})


_MEMBERS: Mapping[str, Any] = {
    "times": int | None,
    "status": int,
    "retry_after": int | float | None,
    "seconds": int | float,
}

_LARGEST = 1_000_000_000

_OF_REQUESTS = frozenset({FaultKind.STATUS, FaultKind.RESET, FaultKind.LOST_REPLY, FaultKind.DELAY})
_OF_RESOURCES = frozenset({FaultKind.FAIL, FaultKind.HANG, FaultKind.SLOW})


class Faults:
    """The switches that are set. Safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._faults: dict[str, Fault] = {}

    def add(self, fault: Fault) -> str:
        """Set a switch; its id."""
        with self._lock:
            fault_id = str(next(self._numbers))
            self._faults[fault_id] = replace(fault, id=fault_id)
        return fault_id

    def remove(self, fault_id: str) -> bool:
        """Take a switch back; whether it was (still) set."""
        with self._lock:
            return self._faults.pop(fault_id, None) is not None

    def clear(self) -> None:
        """Take all switches back."""
        with self._lock:
            self._faults.clear()

    def listed(self) -> list[dict[str, Any]]:
        """All switches as JSON."""
        with self._lock:
            return [asdict(fault) for fault in self._faults.values()]

    def of_request(self, method: str, path: str) -> Fault | None:
        """What strikes a request, if anything (the one set first)."""
        return self._strike(_OF_REQUESTS, method=method, path=path)

    def of_resource(
        self, *, stack: str, type_name: str, resource: str, action: str
    ) -> Fault | None:
        """What strikes a resource while something is done to it, if anything."""
        return self._strike(
            _OF_RESOURCES, stack=stack, type=type_name, resource=resource, action=action
        )

    def stale_seconds(self, stack: str) -> float:
        """For how long the old state of a stack is still reported after a call."""
        struck = self._strike(frozenset({FaultKind.STALE}), stack=stack)
        return struck.seconds if struck else 0.0

    def monitored(self, *, type_name: str, name: str) -> str:
        """The status forced upon a monitored thing, or nothing."""
        struck = self._strike(frozenset({FaultKind.MONITOR}), type=type_name, stack=name)
        return struck.monitor_status if struck else ""

    def _strike(self, kinds: frozenset[FaultKind], **subject: str) -> Fault | None:
        with self._lock:
            for fault in self._faults.values():
                if fault.kind in kinds and _matches(fault, subject):
                    self._count(fault)
                    return fault
        return None

    def _count(self, fault: Fault) -> None:
        if fault.times is None:
            return
        if fault.times <= 1:
            del self._faults[fault.id]
        else:
            self._faults[fault.id] = replace(fault, times=fault.times - 1)


def _matches(fault: Fault, subject: Mapping[str, str]) -> bool:
    return all(
        fnmatchcase(value, _literal_brackets(pattern))
        for name, value in subject.items()
        if (pattern := getattr(fault, name))
    )


def _literal_brackets(pattern: str) -> str:
    return re.sub(r"\[", "[[]", pattern)
