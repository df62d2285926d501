"""Claims whose turn it is, as many as there is room for."""

from __future__ import annotations

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping

from esi_flows.conductor.admission import Admission
from esi_flows.conductor.claims import Claims, Wanted, running
from esi_flows.conductor.helm import Helm
from esi_flows.conductor.quarantining import Quarantining
from esi_flows.conductor.records import unfinished
from esi_flows.conductor.running import Running
from esi_flows.conductor.turns import Needs, Turns
from esi_flows.model import keys
from esi_flows.model.errors import DocumentInvalid
from esi_flows.model.groups import GroupRecord
from esi_flows.model.jobs import Job
from esi_flows.store.claims import Claim
from esi_flows.store.reflector import Reflector

CLAIMS_PER_ROUND = 30
"""How many groups are claimed at once: what fits into one transaction."""


class Claiming:
    """One conductor's part in sharing the work. Not thread-safe, but for :meth:`over`."""

    def __init__(
        self,
        cache: Reflector,
        admission: Admission,
        turns: Turns,
        running: Running,
        *,
        helm: Helm,
        quarantine: Quarantining,
    ) -> None:
        self._cache = cache
        self._admission = admission
        self._turns = turns
        self._running = running
        self._helm = helm
        self._quarantine = quarantine
        self._over: deque[str] = deque()

    def over(self, group: str) -> None:
        """A group runs no more; from any thread."""
        self._over.append(group)

    def claim_runnable(
        self,
        claims: Claims,
        conductor_id: str,
        *,
        run: Callable[[GroupRecord, Claim], None],
        may_claim: Callable[[], bool],
    ) -> None:
        """Claim and ``run`` what may run, in turns, while ``may_claim``. Raises StoreError."""
        while self._over:
            self._turns.over(self._over.popleft())
        again = []
        while not self._helm.is_paused and may_claim():
            names = self._turns.take(min(CLAIMS_PER_ROUND, self._running.free))
            if not names:
                break
            # one that has given its claim back tells when it has ended
            again += [name for name in names if name in self._running]
            self._claim([n for n in names if n not in self._running], claims, conductor_id, run)
        for name in again:
            self._give_back(name)

    def _claim(
        self,
        names: list[str],
        claims: Claims,
        conductor_id: str,
        run: Callable[[GroupRecord, Claim], None],
    ) -> None:
        now = time.time()
        try:
            wanted = list(self._wanted(names))
            taken = claims.take_groups(wanted, now)
        except Exception:
            for name in names:
                self._give_back(name)
            raise
        held = {w.record.name: c for w, c in zip(wanted, taken, strict=True) if c is not None}
        for name in itertools.filterfalse(held.__contains__, names):
            self._turns.over(name)
            self._admission.defer(name)  # the watch brings who was faster, or what is wanted
        for record, _, _ in wanted:
            if record.name in held:
                self._admission.claimed(record.name)
                run(running(record, conductor_id, now), held[record.name])
                order = self._helm.order(record)
                if order is not None:
                    self._running.steer(record.name, order)

    def _wanted(self, names: Iterable[str]) -> Iterator[Wanted]:
        """What is to be claimed; what was broken off too often goes into quarantine instead.

        An order may be in the cache that has not been looked at yet: that it is unchanged when the
        claim is written would not keep the group from beginning.
        """
        for name in names:
            known = unfinished(self._cache, name)
            if known is None:
                continue
            if self._quarantine.is_exhausted(known[0]):
                if self._quarantine.put_exhausted(*known):
                    self._admission.hold(name)
            elif not self._helm.forbids(known[0]):
                yield Wanted(*known, self._helm.compares(name))

    def _give_back(self, name: str) -> None:
        self._turns.over(name)
        self._admission.consider(name)


def needs_of(cache: Reflector, name: str, priorities: Mapping[str, int]) -> Needs:
    """What a group takes: its project is the tenant of its resource, its priority its type's."""
    current = unfinished(cache, name)
    if current is None:
        return Needs()
    record, _ = current
    handlers = frozenset(job_id.split(":", 2)[1] for job_id in record.job_ids if ":" in job_id)
    return Needs(_project(cache, record), handlers, priorities.get(record.resource.type, 0))


def _project(cache: Reflector, record: GroupRecord) -> str:
    found = cache.get(keys.job(record.job_ids[0])) if record.job_ids else None
    try:
        job = Job.decode(found.key, found.value) if found is not None else None
    except DocumentInvalid:
        return ""  # whoever claims it gives it up, and says why
    return str(job.resource_input.get("tenant_id", "")) if job is not None else ""
