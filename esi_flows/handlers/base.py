"""The handler interface, and what a handler run returns."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from esi_flows.catalog.types import Catalog
from esi_flows.model.jobs import Job, ResourceRef
from esi_flows.model.results import HeatStack
from esi_flows.store.base import Compare


@dataclass(frozen=True, slots=True)
class Write:
    """A document that becomes visible together with the outcome; None removes the key."""

    key: str
    value: bytes | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run of a handler brought.

    ``job_state``: members for ``/esi-worker/job_state`` (JSON). ``writes``: documents published in
    the same transaction. ``undo``: what the handler needs to revert this very run (JSON).
    ``error``: set where a failure was ignored (``on_failure: ignore``).
    """

    job_state: Mapping[str, Any] = field(default_factory=dict)
    writes: tuple[Write, ...] = ()
    undo: Any = None
    error: str = ""


Steps = Generator["Future[Any]", Any, Outcome]
"""A handler run. Each ``yield`` of a future gives the thread back until the future is done; its
result is the value of the yield, its exception is raised there."""


class Recorded(Protocol):
    """What a handler may read of what is recorded. Raises StoreUnavailable."""

    def heat_stack(self, resource: ResourceRef) -> HeatStack | None:
        """The last recorded stack of a resource."""

    def stack_record(self, resource: ResourceRef) -> Mapping[str, Any] | None:
        """What was last sent to Heat for a resource."""


class Tenure(Protocol):
    """What a run hangs on, for handlers that have the work done by another process."""

    @property
    def claim(self) -> Compare:
        """Holds as long as the group is ours."""

    def revoke(self, errand: str) -> Future[None]:
        """Record that the errand of this name may take no further step. Raises ClaimLost."""


@dataclass(frozen=True, slots=True)
class Run:
    """The circumstances of one handler run."""

    catalog: Catalog
    recorded: Recorded
    recovering: bool = False
    """True when an earlier run of the same job may have got part of the way."""
    tenure: Tenure | None = None
    """None: nobody else can be sure that the run is still wanted, so it must stay here."""


CallObserver = Callable[[str, str, float], None]
"""Gets the name of a call that was made outside, how it went, and how many seconds it took. It is
called from any thread, and must not raise. How it went is ``ok``, or the name of an error."""


@runtime_checkable
class TellsCalls(Protocol):
    """What a handler may offer: to tell of every call that it makes outside, for metrics."""

    def tell_calls(self, observer: CallObserver) -> None:
        """Tell ``observer`` from now on."""


@dataclass(frozen=True, slots=True)
class Errands:
    """What was given to the workers of one topic: how much no worker has begun, and how much is
    under way.
    """

    topic: str
    waiting: int
    under_way: int


@runtime_checkable
class TellsErrands(Protocol):
    """What a handler may offer that has its work done by workers."""

    def errands(self) -> Errands:
        """How much there is now, of all handlers of its topic."""


class Handler(Protocol):
    """A plug-in behind a job's ``handler`` field, found as entry point ``esi_flows.handlers``."""

    def execute(self, job: Job, run: Run) -> Steps:
        """Make the outside world match. Raises HandlerError; may be run again at any point."""

    def revert(self, job: Job, run: Run, outcome: Outcome | None) -> Steps:
        """Undo what :meth:`execute` did. ``outcome`` is None where it never came to one."""

    def close(self) -> None:
        """Release threads and connections; no run is under way any more."""
