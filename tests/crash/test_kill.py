"""A conductor killed with a real -9 at any step: another process goes on to the same end."""

from __future__ import annotations

import random

import pytest

from tests.crash.conftest import SetStage
from tests.crash.deaths import MOMENTS, Point
from tests.crash.processes import Processes
from tests.crash.shapes import CASES


@pytest.mark.parametrize("case", CASES)
def test_killed_at_any_step_the_end_is_that_of_an_undisturbed_run(
    set_stage: SetStage, processes: Processes, case: str
) -> None:
    stage = set_stage(CASES[case])
    steps = len(stage.run())
    wanted = stage.picture()
    killed = 0
    for point in (Point(n, moment) for n in range(1, steps + 1) for moment in MOMENTS):
        stage.begin()
        killed += stage.kill(processes, point)
        stage.bury()
        stage.run()
        assert stage.picture() == wanted, f"killed {point} of {steps}"
        stage.check()
    assert killed >= 2 * steps - 6


@pytest.mark.parametrize("seed", range(12))
def test_killed_again_and_again_the_end_is_the_same(
    set_stage: SetStage, processes: Processes, seed: int
) -> None:
    chosen = random.Random(seed)
    case = chosen.choice(list(CASES))
    stage = set_stage(CASES[case])
    steps = len(stage.run())
    wanted = stage.picture()
    for _ in range(5):
        stage.begin()
        points = [Point(chosen.randint(1, steps), chosen.choice(MOMENTS)) for _ in range(3)]
        for point in points:
            stage.kill(processes, point)
            stage.bury()
        stage.run()
        assert stage.picture() == wanted, f"seed {seed}: {case} killed {points}"
        stage.check()


@pytest.mark.parametrize("case", ["linear-success", "linear-c-fails"])
def test_what_the_dead_have_claimed_is_free_when_their_lease_has_run_out(
    set_stage: SetStage, processes: Processes, case: str
) -> None:
    stage = set_stage(CASES[case])
    steps = len(stage.run())
    stage.begin()
    assert stage.kill(processes, Point(steps - 3, "after"), lease_seconds=2)
    stage.run()
    stage.check()
