"""What a look for drift finds."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from esi_flows.model.jobs import ResourceRef
from esi_flows.planning.types import ParameterChange


class Kind(StrEnum):
    """How Heat differs from what was recorded."""

    MISSING = "missing"
    """Heat has no stack of the recorded name."""
    FAILED = "failed"
    """Its last action failed."""
    IN_PROGRESS = "in progress"
    """Heat works on it, and no group of ours does."""
    SUSPENDED = "suspended"
    """Somebody has suspended it."""
    PARAMETERS = "parameters"
    TEMPLATE = "template"
    OUTPUTS = "outputs"
    UNKNOWN = "unknown"
    """A stack named as one of ours, of which nothing is recorded."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which a stack differs. ``values``: old is what was recorded, new is Heat's.

    ``lines`` are a unified difference of templates, recorded first.
    """

    kind: Kind
    text: str = ""
    values: tuple[ParameterChange, ...] = ()
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One stack that was looked at. ``hidden``: parameters that Heat does not tell."""

    resource: ResourceRef
    stack: str
    project: str
    differences: tuple[Difference, ...] = ()
    hidden: tuple[str, ...] = ()
    problem: str = ""
    """Why it could not be compared, or not all of it."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, in the order of resources.

    ``busy``: resources with a group that has not ended, or that was posted while Heat was asked;
    they are not compared.
    """

    looked: tuple[Looked, ...] = ()
    busy: tuple[ResourceRef, ...] = ()

    @property
    def drifted(self) -> tuple[Looked, ...]:
        """What differs."""
        return tuple(each for each in self.looked if each.differences)

    @property
    def unseen(self) -> tuple[Looked, ...]:
        """What could not be compared."""
        return tuple(each for each in self.looked if each.problem)
