"""Handlers for tests: plug-ins like any other, that act on nothing but their own list."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from esi_flows.handlers.base import Outcome, Run, Steps, Write
from esi_flows.model.errors import HandlerError
from esi_flows.model.jobs import Action, Job, OnFailure, Parameter, ResourceRef, group_name

NETWORK = ResourceRef("network", "n1")


class ListHandler:
    """Notes what it is asked for; fails on the jobs it is told to fail on."""

    def __init__(
        self,
        *,
        fails: tuple[str, ...] = (),
        cannot_revert: tuple[str, ...] = (),
        waits_for: Callable[[Job], Future[Any] | None] = lambda job: None,
    ) -> None:
        self.fails = fails
        self.cannot_revert = cannot_revert
        self.waits_for = waits_for
        self.calls: list[str] = []
        self.recovering: list[str] = []

    def execute(self, job: Job, run: Run) -> Steps:
        self.calls.append(f"execute {job.id}")
        if run.recovering:
            self.recovering.append(job.id)
        awaited = self.waits_for(job)
        if awaited is not None:
            yield awaited
        if job.id in self.fails:
            raise HandlerError(f"no luck with {job.id}")
        return Outcome(
            job_state={job.handler: job.id},
            writes=(Write(f"/made/{job.id}", b'"made"'),),
            undo={"of": job.id},
        )

    def revert(self, job: Job, run: Run, outcome: Outcome | None) -> Steps:
        self.calls.append(f"revert {job.id}")
        yield from ()
        if job.id in self.cannot_revert:
            raise HandlerError(f"{job.id} stays")
        return Outcome(writes=(Write(f"/made/{job.id}", None),))

    def close(self) -> None:
        pass


class NothingRecorded:
    """What handlers read where nothing was ever recorded."""

    def heat_stack(self, resource: ResourceRef) -> None:
        return None

    def stack_record(self, resource: ResourceRef) -> None:
        return None


def make_job(
    job_id: str,
    *,
    handler: str = "list",
    after: tuple[str, ...] = (),
    on_failure: OnFailure = OnFailure.FAIL,
    first: bool = False,
    last: bool = False,
    resource: ResourceRef = NETWORK,
    params: tuple[Parameter, ...] = (),
) -> Job:
    """A job with an id of its own choice."""
    return Job(
        id=job_id,
        job_name=group_name(resource, 1),
        action=Action.CREATE,
        handler=handler,
        resource_type=resource.type,
        resource_id=resource.id,
        version=1,
        resource_input={"id": resource.id, "tenant_id": "t1"},
        params=params,
        is_first=first,
        is_last=last,
        on_failure=on_failure,
        dependency=after,
    )


def chain(*names: str) -> list[Job]:
    """Jobs that each depend on all before, as the compiler makes them."""
    return [
        make_job(name, after=tuple(names[:i]), first=i == 0, last=i == len(names) - 1)
        for i, name in enumerate(names)
    ]
