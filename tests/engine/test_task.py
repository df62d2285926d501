"""A plug-in that does not keep to its interface fails its job, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import Future
from typing import Any

import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.engine import outcomes
from esi_flows.engine.task import MAX_RESULT_BYTES, HandlerTask, drive
from esi_flows.handlers.base import Outcome, Run, Write
from esi_flows.model import keys
from esi_flows.model.errors import HandlerError
from tests.plugins import ListHandler, NothingRecorded, make_job

Brings = Callable[[], Any]


class Odd(ListHandler):
    """Returns something, from both its ways."""

    def __init__(self, brings: Brings) -> None:
        super().__init__()
        self.brings = brings

    def execute(self, job: Any, run: Any) -> Generator[Future[Any], Any, Any]:
        yield from ()
        return self.brings()

    def revert(self, job: Any, run: Any, outcome: Any) -> Generator[Future[Any], Any, Any]:
        yield from ()
        return self.brings()


def task_of(brings: Brings) -> HandlerTask:
    return HandlerTask(make_job("a"), Odd(brings), Run(Catalog((), ()), NothingRecorded()))


def ends() -> Any:
    raise SystemExit(3)


ODD: tuple[tuple[Brings, str], ...] = (
    (lambda: None, "NoneType"),
    (lambda: 5, "int"),
    (lambda: Outcome(job_state={"n": float("nan")}), "NaN"),
    (lambda: Outcome(undo="x" * MAX_RESULT_BYTES), "can be kept"),
    (lambda: Outcome(writes=(Write("", b"1"),)), "no key"),
    (lambda: Outcome(writes=(Write("/made/\ud800", b"1"),)), "no key"),
    (lambda: Outcome(writes=(Write(keys.claim("g"), None),)), "not for handlers"),
    (lambda: Outcome(writes=(Write(keys.marker("me"), b"1"),)), "not for handlers"),
)


@pytest.mark.parametrize(("brings", "says"), ODD)
def test_what_is_no_outcome_fails_its_job(brings: Brings, says: str) -> None:
    with pytest.raises(HandlerError, match=says):
        drive(task_of(brings).execute_steps())


@pytest.mark.parametrize(("brings", "says"), [*ODD, (ends, "SystemExit")])
def test_a_revert_that_brings_no_outcome_ends_no_reversion(brings: Brings, says: str) -> None:
    undone = outcomes.from_result(drive(task_of(brings).revert_steps(None)))
    assert undone is not None
    assert says in undone.error
