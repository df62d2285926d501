"""The outside world: what handlers do to it is written to etcd, beside what conductors record.

So all processes see the same world, and etcd's history has every outside call and every record in
one order: which came first is never a matter of two clocks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from esi_flows.handlers.base import Outcome, Run, Steps, Write
from esi_flows.model import codec, keys
from esi_flows.model.errors import HandlerError
from esi_flows.model.jobs import Job, OnFailure, group_of
from esi_flows.store.base import Delete, Op, Put, Store
from tests.crash.shapes import Group, letter_of

OUTSIDE = "/outside/"
MADE = OUTSIDE + "made/"
"""What is there: one thing for each job that has made one."""
CALLS = OUTSIDE + "calls/"
"""The last call of each kind for each job, and by which conductor it was made."""
PUBLISHED = "/published/"
"""What jobs publish with their outcome."""

EXECUTE, REVERT = "execute", "revert"


class OutsideWorld:
    """A handler that makes one thing for each job: again and again the same, so it is idempotent.

    A job that fails leaves its thing half made, as a stack that failed is still a stack, unless its
    failure is ignored.
    """

    def __init__(
        self,
        store: Store,
        groups: Sequence[Group],
        *,
        who: Callable[[], str],
    ) -> None:
        """``who`` is asked for the conductor that calls."""
        self._store = store
        self._groups: Mapping[str, Group] = {group.name: group for group in groups}
        self._who = who

    def execute(self, job: Job, run: Run) -> Steps:
        group, letter = self._groups[group_of(job.id)], letter_of(job.id)
        fails = letter in group.fails
        leaves_nothing = fails and job.on_failure is OnFailure.IGNORE
        self._call(EXECUTE, job, [] if leaves_nothing else [Put(MADE + job.id, b"{}")])
        yield _done()
        if fails:
            raise HandlerError(f"no luck with {letter}")
        writes = [Write(PUBLISHED + job.id, b'"made"')]
        if job.is_first:
            writes.append(Write(keys.heat_stack(group.path), codec.dumps({"of": job.id})))
        return Outcome(
            job_state={letter: f"made by {job.id}"}, writes=tuple(writes), undo={"of": job.id}
        )

    def revert(self, job: Job, run: Run, outcome: Outcome | None) -> Steps:
        group, letter = self._groups[group_of(job.id)], letter_of(job.id)
        stays = letter in group.stays
        self._call(REVERT, job, [] if stays else [Delete(MADE + job.id)])
        yield _done()
        if stays:
            raise HandlerError(f"{letter} stays")
        return Outcome(writes=(Write(PUBLISHED + job.id, None),))

    def close(self) -> None:
        pass

    def _call(self, what: str, job: Job, effect: Sequence[Op]) -> None:
        note = json.dumps({"by": self._who()}).encode()
        self._store.txn([], [Put(f"{CALLS}{what}/{job.id}", note), *effect])


def _done() -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(None)
    return future
