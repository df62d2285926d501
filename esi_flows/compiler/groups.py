"""What compiling a change gives: a group of jobs, or the answer that there is nothing to do."""

from __future__ import annotations

from dataclasses import dataclass

from esi_flows.model.jobs import Action, Job, ResourceRef


@dataclass(frozen=True, slots=True, kw_only=True)
class JobGroup:
    """All jobs that one change of one resource needs, in their order."""

    name: str
    """``type:id:version``, the ``job_name`` of every job."""
    action: Action
    resource: ResourceRef
    version: int
    jobs: tuple[Job, ...]
    """The first depends on ``waits_for``, every other one on all before it, and on nothing else."""
    waits_for: tuple[str, ...]
    """Ids of unfinished jobs of other groups, sorted."""


@dataclass(frozen=True, slots=True)
class NotWorkable:
    """A change that no handler has a part in; it is only acknowledged."""

    resource: ResourceRef
    version: int
