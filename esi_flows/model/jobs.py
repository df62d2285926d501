"""Jobs (``/jobs/all/<job id>``): the recorded wire format, and what is read out of it.

A job is stored as the list ``[handler, job, 0]``. The third element was 0 in every recording and
is ignored on reading.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from esi_flows.model import codec
from esi_flows.model.codec import JsonObject
from esi_flows.model.errors import DocumentInvalid


class Action(StrEnum):
    """What a job, or a whole group, does to its resource."""

    CREATE = "create"
    MODIFY = "modify"
    DELETE = "delete"
    LOGICAL_DELETE = "logical_delete"


class OnFailure(StrEnum):
    """What the failure of a job means for its group."""

    FAIL = "fail"
    """The finished jobs are reverted and the group ends in failure."""
    IGNORE = "ignore"
    """The failure is recorded and the others go on."""


class ResourceRef(NamedTuple):
    """A resource by type and id, as jobs refer to it."""

    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type}:{self.id}"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One entry of a job's ``params``.

    ``type`` says how to read ``value``: ``value`` (any JSON), ``output_key`` (an object
    ``{output_key, resource_type, resource_id}``, resolved when the job runs) or ``list``
    (parameters).
    """

    param: str
    type: str
    value: Any
    resources: tuple[ResourceRef, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The entry as stored."""
        value = self.value
        if self.type == "list":
            value = [element.to_json() for element in value]
        elif self.type == "output_key":
            value = dict(value)
        return {
            "param": self.param,
            "type": self.type,
            "value": value,
            "resources": [{"resource_type": r.type, "resource_id": r.id} for r in self.resources],
        }

    @classmethod
    def from_json(cls, key: str, document: Any) -> Parameter:
        """Read one entry of the job under ``key``. Raises DocumentInvalid."""
        entry = codec.require_object(key, "an entry of params", document)
        kind = codec.member(key, entry, "type", str)
        value = entry.get("value")
        if kind == "list":
            value = tuple(cls.from_json(key, e) for e in codec.member(key, entry, "value", list))
        elif kind == "output_key":
            value = codec.require_object(key, "the value of an output_key parameter", value)
            for name in ("output_key", "resource_type", "resource_id"):
                codec.member(key, value, name, str)
        elif kind != "value":
            raise DocumentInvalid(
                key, f"parameter type {kind!r} is none of value, output_key, list"
            )
        return cls(
            param=codec.member(key, entry, "param", str),
            type=kind,
            value=value,
            resources=tuple(
                _resource(key, found) for found in codec.member(key, entry, "resources", list)
            ),
        )


def _resource(key: str, document: Any) -> ResourceRef:
    entry = codec.require_object(key, "an entry of resources", document)
    return ResourceRef(
        codec.member(key, entry, "resource_type", str),
        codec.member(key, entry, "resource_id", str),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One unit of work of a group; becomes one TaskFlow task named by its id."""

    id: str
    job_name: str
    action: Action
    handler: str
    resource_type: str
    resource_id: str
    version: int
    resource_input: JsonObject
    params: tuple[Parameter, ...]
    is_first: bool
    is_last: bool
    on_failure: OnFailure
    dependency: tuple[str, ...]

    @property
    def resource(self) -> ResourceRef:
        """The resource the job works on."""
        return ResourceRef(self.resource_type, self.resource_id)

    def references(self) -> Iterator[ResourceRef]:
        """Every resource that a parameter of the job was read from, repeats kept."""
        for parameter in self.params:
            yield from parameter.resources

    def encode(self) -> bytes:
        """The document as stored."""
        document = {
            "id": self.id,
            "job_name": self.job_name,
            "action": self.action.value,
            "handler": self.handler,
            "resource_type": self.resource_type,
            "resource_id": self.resource_id,
            "version": self.version,
            "resource_input": dict(self.resource_input),
            "params": [parameter.to_json() for parameter in self.params],
            "is_first": self.is_first,
            "is_last": self.is_last,
            "on_failure": self.on_failure.value,
            "dependency": list(self.dependency),
        }
        return codec.dumps([self.handler, document, 0])

    @classmethod
    def decode(cls, key: str, raw: bytes) -> Job:
        """Parse the document under ``key``. Raises DocumentInvalid."""
        stored = codec.loads(key, raw)
        if not isinstance(stored, list) or len(stored) != 3:
            raise DocumentInvalid(key, "a job is stored as the list [handler, job, 0]")
        document = codec.require_object(key, "the second element", stored[1])
        try:
            action = Action(str(document.get("action")))
            on_failure = OnFailure(str(document.get("on_failure")))
        except ValueError as error:
            raise DocumentInvalid(key, f"{error}") from error
        return cls(
            id=codec.member(key, document, "id", str),
            job_name=codec.member(key, document, "job_name", str),
            action=action,
            handler=codec.member(key, document, "handler", str),
            resource_type=codec.member(key, document, "resource_type", str),
            resource_id=codec.member(key, document, "resource_id", str),
            version=codec.member(key, document, "version", int),
            resource_input=codec.require_object(
                key, "resource_input", document.get("resource_input")
            ),
            params=tuple(
                Parameter.from_json(key, p) for p in codec.member(key, document, "params", list)
            ),
            is_first=codec.member(key, document, "is_first", bool),
            is_last=codec.member(key, document, "is_last", bool),
            on_failure=on_failure,
            dependency=codec.texts(key, document, "dependency"),
        )


def group_name(resource: ResourceRef, version: int) -> str:
    """The name that all jobs of one group share: ``port:<id>:2``."""
    return f"{resource.type}:{resource.id}:{version}"


def is_job_id(text: str) -> bool:
    """Whether the text has the form of a job's id, so that :func:`group_of` can read it."""
    return text.count(":") >= 3


def group_of(job_id: str) -> str:
    """The name of the group that owns a job, read off the job's id.

    >>> group_of("create:heat_worker:port:7abe:2:x1y2z")
    'port:7abe:2'
    """
    _action, _handler, name = job_id.split(":", 2)
    return name.rsplit(":", 1)[0]


def by_name(params: tuple[Parameter, ...]) -> Mapping[str, Parameter]:
    """The parameters by name."""
    return {parameter.param: parameter for parameter in params}
