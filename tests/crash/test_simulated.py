"""A conductor that dies at any step, within this process: another goes on to the same end."""

from __future__ import annotations

import pytest

from tests.crash.conftest import SetStage
from tests.crash.deaths import MOMENTS, Point, SimulatedLife
from tests.crash.shapes import CASES


@pytest.mark.parametrize("case", CASES)
def test_dead_at_any_step_the_end_is_that_of_an_undisturbed_run(
    set_stage: SetStage, case: str
) -> None:
    stage = set_stage(CASES[case])
    steps = len(stage.run())
    wanted = stage.picture()
    stage.check()
    died = 0
    for point in (Point(n, moment) for n in range(1, steps + 1) for moment in MOMENTS):
        stage.begin()
        died += stage.die(SimulatedLife(point))
        stage.bury()
        stage.run()
        assert stage.picture() == wanted, f"died {point} of {steps}"
        stage.check()
    assert died >= 2 * steps - 4
