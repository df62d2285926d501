"""What handlers bring back and where it is published: stacks, job_state, state, targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from esi_flows.model import codec
from esi_flows.model.codec import JsonObject
from esi_flows.model.errors import DocumentInvalid
from esi_flows.model.jobs import Action

READ_COMPLETE = "READ_COMPLETE"

_COMPLETED = {
    Action.CREATE: "CREATE_COMPLETED",
    Action.MODIFY: "MODIFY_COMPLETED",
    Action.DELETE: "DELETE_COMPLETED",
    Action.LOGICAL_DELETE: "DELETE_COMPLETED",
}
_FAILED = {
    Action.CREATE: "CREATE_FAILED",
    Action.MODIFY: "MODIFY_FAILED",
    Action.DELETE: "DELETE_FAILED",
    Action.LOGICAL_DELETE: "DELETE_FAILED",
}


def completed(action: Action) -> str:
    """``worker_state`` after a group whose last job did ``action``."""
    return _COMPLETED[action]


def failed(action: Action) -> str:
    """``worker_state`` after a group with that action failed or was cancelled."""
    return _FAILED[action]


@dataclass(frozen=True, slots=True)
class HeatStack:
    """``/esi-worker/heat_stacks``: the last recorded stack of a resource.

    ``name`` is the stack's *name* (stored as ``stack_id``), ``output`` Heat's list unchanged.
    """

    id: str
    name: str
    tenant_id: str
    stack_status: str
    status_reason: str = ""
    output: tuple[JsonObject, ...] = ()

    def encode(self) -> bytes:
        """The document as stored."""
        return codec.dumps(
            {
                "id": self.id,
                "stack_id": self.name,
                "tenant_id": self.tenant_id,
                "stack_status": self.stack_status,
                "status_reason": self.status_reason,
                "output": [dict(o) for o in self.output],
            }
        )

    @classmethod
    def decode(cls, key: str, raw: bytes) -> HeatStack:
        """Parse the document under ``key``. Raises DocumentInvalid."""
        document = codec.loads_object(key, raw)
        return cls(
            id=codec.member(key, document, "id", str),
            name=codec.member(key, document, "stack_id", str),
            tenant_id=codec.member(key, document, "tenant_id", str),
            stack_status=codec.member(key, document, "stack_status", str),
            status_reason=codec.member(key, document, "status_reason", str),
            output=tuple(_output(key, o) for o in codec.member(key, document, "output", list)),
        )

    def outputs(self) -> dict[str, Any]:
        """Output values by key."""
        return {o["output_key"]: o.get("output_value") for o in self.output}


def _output(key: str, document: Any) -> JsonObject:
    output = codec.require_object(key, "an output", document)
    codec.member(key, output, "output_key", str)
    return output


@dataclass(frozen=True, slots=True)
class State:
    """``/state``: the result of one group, for gohan."""

    version: int
    worker_state: str
    error: str = ""
    members: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_job_state(
        cls, *, version: int, worker_state: str, job_state: JsonObject, error: str = ""
    ) -> State:
        """The state that a job_state becomes: texts stay, lists and objects become JSON texts."""
        members = {
            name: value if isinstance(value, str) else codec.dumps_text(value)
            for name, value in job_state.items()
        }
        return cls(version=version, worker_state=worker_state, error=error, members=members)

    def encode(self) -> bytes:
        """The document as stored."""
        state = {**self.members, "worker_state": self.worker_state}
        return codec.dumps({"error": self.error, "version": self.version, "state": state})

    @classmethod
    def decode(cls, key: str, raw: bytes) -> State:
        """Parse the document under ``key``. Raises DocumentInvalid."""
        document = codec.loads_object(key, raw)
        state = dict(codec.require_object(key, "state", document.get("state")))
        return cls(
            version=codec.member(key, document, "version", int),
            worker_state=str(state.pop("worker_state", "")),
            error=codec.member(key, document, "error", str),
            members=state,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """``/esi-flows/targets``: something the collector watches for one resource.

    ``interval_seconds`` and ``timeout_seconds`` are 0 where the collector's own hold;
    ``hold_options`` is as recorded: which statuses show at once, and how long others must last.
    """

    name: str
    type: str
    topic: str
    resource_type: str
    tenant_id: str
    version: int
    properties: JsonObject
    wanted_status: str = ""
    interval_seconds: float = 0.0
    timeout_seconds: float = 0.0
    hold_options: JsonObject = field(default_factory=dict)

    def encode(self) -> bytes:
        """The document as stored; members that have no value are left out, where they may be."""
        optional = {
            "interval_seconds": self.interval_seconds,
            "timeout_seconds": self.timeout_seconds,
            "hold_options": dict(self.hold_options),
        }
        return codec.dumps(
            {
                "name": self.name,
                "type": self.type,
                "topic": self.topic,
                "resource_type": self.resource_type,
                "tenant_id": self.tenant_id,
                "version": self.version,
                "properties": dict(self.properties),
                "wanted_status": self.wanted_status,
                **{name: value for name, value in optional.items() if value},
            }
        )

    @classmethod
    def decode(cls, key: str, raw: bytes) -> Target:
        """Parse the document under ``key``. Raises DocumentInvalid."""
        document = codec.loads_object(key, raw)
        texts = ("name", "type", "topic", "resource_type", "tenant_id", "wanted_status")
        return cls(
            **{name: codec.member(key, document, name, str) for name in texts},
            version=codec.member(key, document, "version", int),
            properties=codec.require_object(key, "properties", document.get("properties")),
            interval_seconds=_seconds(key, document, "interval_seconds"),
            timeout_seconds=_seconds(key, document, "timeout_seconds"),
            hold_options=codec.require_object(
                key, "hold_options", document.get("hold_options", {})
            ),
        )


def _seconds(key: str, document: JsonObject, name: str) -> float:
    seconds = codec.number(key, document, name) if name in document else 0.0
    if seconds < 0:
        raise DocumentInvalid(key, f"{name} is below 0")
    return seconds
