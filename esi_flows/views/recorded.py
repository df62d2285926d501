"""The graph of what has happened and is happening, from records of groups and their jobs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from esi_flows.catalog.types import Catalog
from esi_flows.deployments.atoms import Atom
from esi_flows.deployments.board import jobs_of, phase_of
from esi_flows.deployments.progress import JobProgress
from esi_flows.history.courses import Course
from esi_flows.model import keys
from esi_flows.model.errors import DocumentInvalid
from esi_flows.model.groups import GroupRecord
from esi_flows.model.jobs import Action, Job, OnFailure, ResourceRef, group_of
from esi_flows.planning.redact import secret_names
from esi_flows.planning.types import Kind, Rule
from esi_flows.store.base import ReadStore
from esi_flows.views import model
from esi_flows.views.model import Edge, Fact, Graph, Group, Mode, Step, Times, Why

_KIND = {
    Action.CREATE: Kind.CREATE,
    Action.MODIFY: Kind.MODIFY,
    Action.DELETE: Kind.DELETE,
    Action.LOGICAL_DELETE: Kind.DELETE,
}


def live(store: ReadStore, catalog: Catalog, *, name: str = "all groups") -> Graph:
    """Every group that the store has a record of, as it is now. Raises StoreUnavailable."""
    now = time.time()
    records = []
    for item in store.range(keys.GROUPS).items:
        try:
            records.append(GroupRecord.decode(item.key, item.value))
        except DocumentInvalid:
            continue  # the conductor tells so in its quarantine
    atoms = {
        atom.name: atom
        for item in store.range(keys.PERSISTENCE).items
        if "/atoms/" in item.key and (atom := Atom.read(item.value, 0.0)) is not None
    }
    return of_records(records, name=name, mode=Mode.LIVE, atoms=atoms, at=now,
                      jobs=_stored_jobs(store), catalog=catalog)  # fmt: skip


def finished(courses: Iterable[Course], *, name: str, catalog: Catalog) -> Graph:
    """How groups went: the newest course of each counts."""
    newest: dict[str, GroupRecord] = {}
    for course in courses:
        newest.setdefault(course.record.name, course.record)
    return of_records(newest.values(), name=name, mode=Mode.FINISHED, catalog=catalog)


def of_records(
    records: Iterable[GroupRecord],
    *,
    name: str,
    mode: Mode,
    catalog: Catalog,
    atoms: Mapping[str, Atom] | None = None,
    jobs: Mapping[str, Job] | None = None,
    at: float = 0.0,
) -> Graph:
    """The graph of these records, in the order in which they were posted."""
    known, found = jobs or {}, sorted(records, key=lambda r: (r.posted_at, r.name))
    groups = tuple(_group(record, atoms or {}, known, catalog) for record in found)
    ids = {group.id for group in groups}
    edges = tuple(
        Edge(source=owner, target=record.name, jobs=tuple(waited), why=_why(record, owner, known))
        for record in found
        for owner, waited in _owners(record).items()
        if owner in ids and owner != record.name
    )
    return Graph(name=name, mode=mode, steps=(Step("", groups),), edges=edges, at=at)


def _stored_jobs(store: ReadStore) -> dict[str, Job]:
    found = {}
    for item in store.range(keys.JOBS).items:
        try:
            job = Job.decode(item.key, item.value)
        except DocumentInvalid:
            continue  # the conductor tells so
        found[job.id] = job
    return found


def _group(
    record: GroupRecord, atoms: Mapping[str, Atom], known: Mapping[str, Job], catalog: Catalog
) -> Group:
    progress = jobs_of(record, atoms)
    jobs: list[model.Job] = []
    for number, job in enumerate(progress):
        jobs.append(_job(f"{job.name}:{record.name}#{number}", job, jobs, known, catalog))
    return Group(
        id=record.name,
        resource=record.resource,
        version=record.version,
        kind=_KIND[record.action],
        jobs=tuple(jobs),
        phase=phase_of(record, progress),
        times=Times(
            posted_at=record.posted_at,
            started_at=record.started_at,
            ended_at=record.ended_at,
            outside_seconds=sum(job.waited_seconds for job in progress),
        ),
        error=record.error,
        conductor=record.conductor,
        attempts=record.attempts,
    )


def _job(
    identifier: str,
    job: JobProgress,
    before: list[model.Job],
    known: Mapping[str, Job],
    catalog: Catalog,
) -> model.Job:
    document = known.get(job.id)
    action, _, handler = job.name.partition(":")
    return model.Job(
        id=identifier,
        action=action,
        handler=handler,
        on_failure=document.on_failure if document is not None else OnFailure.FAIL,
        after=(before[-1].id,) if before else (),
        phase=job.phase,
        times=Times(
            started_at=job.started_at, ended_at=job.ended_at, outside_seconds=job.waited_seconds
        ),
        error=job.error,
        job_id=job.id,
        facts=_facts(document, catalog) if document is not None else (),
    )


def _facts(job: Job, catalog: Catalog) -> tuple[Fact, ...]:
    names = secret_names(catalog)
    lines = []
    for parameter in job.params:
        shown = names.mask(parameter.to_json())
        lines.append(names.mask_in(f"{shown['param']}: {shown['value']}", job.resource_input))
    return (Fact("parameters", tuple(lines)),) if lines else ()


def _owners(record: GroupRecord) -> dict[str, list[str]]:
    """By group the jobs that a group waits for, as ``action:handler``."""
    owners: dict[str, list[str]] = {}
    for job_id in record.waits_for:
        owners.setdefault(group_of(job_id), []).append(":".join(job_id.split(":", 2)[:2]))
    return owners


def _why(record: GroupRecord, owner: str, known: Mapping[str, Job]) -> tuple[Why, ...]:
    kind, _, rest = owner.partition(":")
    resource = ResourceRef(kind, rest.rpartition(":")[0])
    if resource == record.resource:
        return (Why(Rule.SAME),)
    own = [known[job_id] for job_id in record.job_ids if job_id in known]
    reads = {p.param: p for job in own for p in job.params if resource in p.resources}
    if reads:
        outputs = dict.fromkeys(
            p.value["output_key"] for p in reads.values() if p.type == "output_key"
        )
        return (Why(Rule.READS, tuple(reads), tuple(outputs)),)
    return (Why(Rule.READ_BY),) if own else ()
