"""Hold-down: what shows at once, and what has to last first."""

from __future__ import annotations

import pytest

from esi_flows.collector.hold import Hold

PORT = {"positive_status": ["UP", "DOWN"], "time_seconds": 30}
POOL = {"primary": "MASTER", "secondary": "BACKUP"}


def test_without_options_every_status_shows() -> None:
    hold = Hold({})
    assert [hold.settle(status, 0) for status in ("UP", "FAIL", "UP")] == ["UP", "FAIL", "UP"]


def test_a_bad_status_shows_when_it_has_lasted() -> None:
    hold = Hold(PORT)
    assert hold.settle("UP", 0) == "UP"
    assert hold.settle("FAIL", 10) == "UP"
    assert hold.settle("FAIL", 39) == "UP"
    assert hold.settle("FAIL", 40) == "FAIL"


def test_what_flaps_stays_as_it_was() -> None:
    hold = Hold(PORT)
    seen = [hold.settle("FAIL" if now % 20 else "UP", now) for now in range(0, 200, 10)]
    assert set(seen) == {"UP"}


def test_a_positive_status_shows_at_once() -> None:
    hold = Hold(PORT)
    hold.settle("FAIL", 0)
    hold.settle("FAIL", 30)
    assert hold.settle("DOWN", 31) == "DOWN"


def test_of_what_has_only_been_bad_nothing_shows_yet() -> None:
    hold = Hold(PORT)
    assert hold.settle("FAIL", 0) is None
    assert hold.settle("FAIL", 30) == "FAIL"


@pytest.mark.parametrize("positive", [POOL, [POOL]])
def test_both_recorded_forms_of_a_pool_are_read(positive: object) -> None:
    hold = Hold({"positive_status": positive, "time_seconds": 360})
    assert hold.settle(POOL, 0) == POOL
    assert hold.settle({"primary": "BACKUP", "secondary": "BACKUP"}, 1) == POOL


@pytest.mark.parametrize("options", [{"time_seconds": "soon"}, {"positive_status": None}])
def test_options_that_cannot_be_read_hold_nothing(options: dict[str, object]) -> None:
    assert Hold(options).settle("FAIL", 0) == "FAIL"
