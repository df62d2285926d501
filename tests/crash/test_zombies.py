"""A conductor that wakes up after its group was taken over: nothing it still does has effect."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from typing import Any

import pytest

from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord
from tests.crash.conftest import SetStage
from tests.crash.deaths import Point, written
from tests.crash.invariants import Seen
from tests.crash.outside import CALLS, EXECUTE
from tests.crash.processes import Processes
from tests.crash.recording import Operation
from tests.crash.shapes import CASES, LINEAR, Group
from tests.crash.stage import Stage, Step
from tests.crash.waiting import Ends

LATER = Group(LINEAR, resource="n2")


def step_of(steps: Sequence[Step], key: str) -> int:
    """The number of the first step that wrote a key that starts so."""
    return 1 + next(
        number
        for number, keys_of in enumerate(steps)
        if any(found.startswith(key) for found in keys_of)
    )


def is_call(step: Step) -> bool:
    return step[0].startswith(CALLS)


def is_fenced(step: Step) -> bool:
    return step[0].startswith(keys.MARKERS)


class Zombie:
    """A process that was stopped at a point, and taken for dead."""

    def __init__(self, stage: Stage, processes: Processes, at: Point) -> None:
        self._stage = stage
        self._processes = processes
        self.pid, self.step = stage.stop(processes, at, later=LATER)
        self._asleep = self._operations()

    def wake(self) -> None:
        """Let it go on, and wait until it has done something else as a conductor in good order."""
        os.kill(self.pid, signal.SIGCONT)
        self._stage.post(LATER)
        ends = Ends(self._stage.store, self._stage.groups)
        assert ends.wait(), "it does not go on"
        record = GroupRecord.decode("", self._stage.store.get(keys.group(LATER.name)).value)
        assert f"-{self.pid}-" in record.conductor
        assert record.conductor not in {operation.client for operation in self._asleep}
        self._processes.kill(self.pid)
        self._stage.bury()

    def refused(self) -> list[Operation]:
        """What it has written under its old name since it woke up; nothing of it has effect."""
        old = {operation.client for operation in self._asleep}
        after = self._operations()[len(self._asleep) :]
        tried = [o for o in after if o.client in old and not _is_registration(o)]
        assert not [operation for operation in tried if operation.succeeded]
        return tried

    def _operations(self) -> list[Operation]:
        return [o for o in self._stage.log.read() if f"-{self.pid}-" in o.client]


def _is_registration(operation: Operation) -> bool:
    """Whether a conductor has told its new name, which is the last it does under the old one."""
    return all(written(op).startswith(keys.CONDUCTORS) for op in operation.ops)


def check_end(stage: Stage, wanted: dict[str, Any], *, late_calls: int) -> Seen:
    """The end is that of an undisturbed run."""
    assert {key: v for key, v in stage.picture().items() if LATER.resource not in key} == wanted
    return stage.check(late_calls=late_calls)


@pytest.mark.parametrize(
    ("case", "where"),
    [
        ("linear-success", "within a call"),
        ("linear-success", "between writes"),
        ("linear-c-fails", "within a revert"),
    ],
)
def test_paused_for_longer_than_its_lease(
    set_stage: SetStage, processes: Processes, case: str, where: str
) -> None:
    stage = set_stage(CASES[case])
    steps = stage.run()
    wanted = stage.picture()
    stage.begin()
    job_id = CASES[case].job_id("b")
    call = step_of(
        steps, f"{CALLS}{'revert' if where == 'within a revert' else 'execute'}/{job_id}"
    )
    at = call + 1 if where == "between writes" else call
    zombie = Zombie(stage, processes, Point(at, "before"))
    stage.run()
    zombie.wake()
    seen = check_end(stage, wanted, late_calls=int(is_call(zombie.step)))
    assert bool(seen.late) == is_call(zombie.step)
    assert bool(zombie.refused()) == is_fenced(zombie.step)


@pytest.mark.parametrize("case", ["linear-success", "linear-b-fails"])
def test_woken_before_it_could_know_that_its_lease_is_gone(
    set_stage: SetStage, processes: Processes, case: str
) -> None:
    """Its own clock says that all is well: only the comparison of the claim is in its way."""
    stage = set_stage(CASES[case])
    steps = stage.run()
    wanted = stage.picture()
    for number, step in enumerate(steps, start=1):
        # a thing that is made when its group has been reverted is there to stay: that is why
        # nothing but a call that was under way may be late, and nothing can be done about that
        makes = step[0].startswith(CALLS + EXECUTE)
        if not (is_call(step) or is_fenced(step)) or (makes and CASES[case].fails):
            continue
        stage.begin()
        zombie = Zombie(stage, processes, Point(number, "before"))
        stage.bury()
        stage.run()
        zombie.wake()
        seen = check_end(stage, wanted, late_calls=int(is_call(zombie.step)))
        assert bool(seen.late) == is_call(zombie.step)
        assert zombie.refused(), f"woken before step {number}, {zombie.step}"
