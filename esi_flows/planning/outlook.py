"""The store as it is, and as it will be when what is planned has happened."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass

from esi_flows.catalog.types import Catalog
from esi_flows.compiler.changes import compile_change, is_change
from esi_flows.compiler.groups import JobGroup, NotWorkable
from esi_flows.compiler.queue import Queue
from esi_flows.model import keys
from esi_flows.model.errors import (
    DocumentInvalid,
    EsiFlowsError,
    InvalidInput,
    MappingError,
    MissingDocument,
)
from esi_flows.model.groups import GroupRecord
from esi_flows.model.intents import Intent, Memo
from esi_flows.model.jobs import Job, ResourceRef, group_name, group_of
from esi_flows.planning.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Compiled:
    """What the compiler made of an intent; ``group`` is None where it made no job.

    ``before`` is what was accepted last; of a group that is ``posted`` already it is not known any
    more.
    """

    resource: ResourceRef
    intent: Intent
    before: Memo | None
    group: JobGroup | None = None
    error: MappingError | None = None
    posted: bool = False


class Outlook:
    """Starts as what is stored; intents written to it are compiled as the conductor would.

    Jobs get ids without a random end. ``rests_on`` collects the keys that an answer came from.
    """

    def __init__(self, snapshot: Snapshot, catalog: Catalog) -> None:
        self._snapshot = snapshot
        self._catalog = catalog
        self._intents: dict[ResourceRef, Intent | None] = {}
        self._memos: dict[ResourceRef, Memo | None] = {}
        self._queue = Queue()
        self._jobs: dict[str, list[Job]] = defaultdict(list)
        self._at_work: Counter[ResourceRef] = Counter()
        self._waiting: dict[str, dict[ResourceRef, None]] = {}
        self.rests_on: set[str] = set()
        self.pending: dict[ResourceRef, Compiled] = {}
        self._take_in_jobs()
        self._compile_pending()
        self.rests_on.clear()  # what is pending elsewhere may go on without making a plan stale

    def intent(self, resource: ResourceRef) -> Intent | None:
        """The newest intent, as the compiler asks for it."""
        try:
            key = keys.config(self._catalog.path(resource))
        except InvalidInput:
            return None  # of a type we do not know there can be no document
        self.rests_on.add(key)
        if resource not in self._intents:
            self._intents[resource] = self._stored(key)
        return self._intents[resource]

    def memo(self, resource: ResourceRef) -> Memo | None:
        """What was last accepted. Raises DocumentInvalid."""
        key = keys.memo(self._catalog.path(resource))
        self.rests_on.add(key)
        if resource not in self._memos:
            found = self._snapshot.get(key)
            self._memos[resource] = Memo.decode(key, found.value) if found else None
        return self._memos[resource]

    def job(self, job_id: str) -> Job | None:
        """An unfinished job."""
        return next((job for job in self._jobs.get(group_of(job_id), ()) if job.id == job_id), None)

    def write(self, resource: ResourceRef, intent: Intent) -> list[Compiled]:
        """What comes of an intent that is written now.

        First its own change; then those of others that could not be compiled without it.
        """
        self._intents[resource] = intent
        compiled: list[Compiled] = []
        todo = deque([resource])
        while todo:
            next_one = todo.popleft()
            wanted = self.intent(next_one)
            if wanted is not None:
                compiled.append(self._compile(next_one, wanted))
                todo.extend(self._waiting.pop(str(next_one), {}))
        return compiled

    def under_way(self, resource: ResourceRef) -> Compiled | None:
        """The change of the newest intent that is stored and not ended, None where there is none.

        Raises DocumentInvalid where the record of its group cannot be read.
        """
        if resource in self.pending:
            return self.pending[resource]
        intent = self.intent(resource)
        if intent is None:
            return None
        name = group_name(resource, intent.version)
        found, jobs = self._snapshot.get(keys.group(name)), self._jobs.get(name)
        if found is None or not jobs:
            return None
        record = GroupRecord.decode(found.key, found.value)
        group = JobGroup(
            name=name,
            action=record.action,
            resource=resource,
            version=record.version,
            jobs=tuple(jobs),
            waits_for=tuple(job_id for job_id in record.waits_for if job_id in self._queue),
        )
        return Compiled(resource, intent, None, group, posted=True)

    def end_well(self, group: str) -> None:
        """From here on the group has ended well."""
        for job in self._jobs.pop(group, ()):
            self._queue.remove(job.id)
            self._at_work[job.resource] -= 1

    def is_at_work(self, resource: ResourceRef) -> bool:
        """Whether there are unfinished jobs of the resource."""
        return self._at_work[resource] > 0

    def waiters(self) -> dict[str, list[str]]:
        """For each unfinished group those that wait for it, in the order they were posted."""
        waiters: dict[str, list[str]] = defaultdict(list)
        for name, jobs in self._jobs.items():
            owners = {group_of(job_id) for job in jobs for job_id in job.dependency}
            for owner in sorted(owners - {name}):
                if owner in self._jobs:
                    waiters[owner].append(name)
        return waiters

    def _stored(self, key: str) -> Intent | None:
        found = self._snapshot.get(key)
        try:
            return Intent.decode(key, found.value) if found is not None else None
        except DocumentInvalid:
            return None  # as for the conductor, which has told so in its quarantine

    def _compile(self, resource: ResourceRef, intent: Intent) -> Compiled:
        before = self.memo(resource)
        try:
            group = compile_change(
                resource,
                intent,
                memo=before,
                documents=self,
                catalog=self._catalog,
                queue=self._queue,
                suffix=lambda: "planned",
            )
        except MappingError as error:
            if isinstance(error, MissingDocument):
                self._waiting.setdefault(error.missing, {})[resource] = None
            return Compiled(resource, intent, before, error=error)
        self._memos[resource] = Memo.of(intent)
        if isinstance(group, NotWorkable):
            return Compiled(resource, intent, before)
        for job in group.jobs:
            self._add(job)
        return Compiled(resource, intent, before, group)

    def _add(self, job: Job) -> None:
        self._queue.add(job)
        self._jobs[job.job_name].append(job)
        self._at_work[job.resource] += 1

    def _take_in_jobs(self) -> None:
        found = []
        for item in self._snapshot.range(keys.JOBS).items:
            try:
                found.append((item.create_revision, Job.decode(item.key, item.value)))
            except DocumentInvalid:
                continue  # the conductor reports it, and no group waits for it
        for _, job in sorted(found, key=lambda pair: (pair[0], _place(pair[1]))):
            self._add(job)

    def _compile_pending(self) -> None:
        """Compile what is stored and was not compiled yet, in the order in which it was written."""
        for resource, intent in sorted(self._uncompiled(), key=lambda pair: self._written_at(pair)):
            for compiled in self.write(resource, intent):
                self.pending[compiled.resource] = compiled

    def _uncompiled(self) -> Iterator[tuple[ResourceRef, Intent]]:
        for item in self._snapshot.range(keys.CONFIG).items:
            path = keys.parse_resource(item.key, keys.CONFIG)
            resource = self._catalog.resource(path) if path is not None else None
            if path is None or resource is None:
                continue
            if self._snapshot.modified(keys.memo(path)) > item.mod_revision:
                continue  # what is accepted is newer than what is wanted: nothing is pending
            try:
                intent = Intent.decode(item.key, item.value)
                if is_change(intent, self.memo(resource)):
                    self._intents[resource] = intent
                    yield resource, intent
            except EsiFlowsError:
                continue  # unreadable; the conductor tells so in its quarantine

    def _written_at(self, pair: tuple[ResourceRef, Intent]) -> tuple[int, keys.ResourcePath]:
        path = self._catalog.path(pair[0])
        return self._snapshot.modified(keys.config(path)), path


def _place(job: Job) -> int:
    """The place of a job in its group: each depends on all before it, the first on others."""
    return 0 if job.is_first else len(job.dependency)
