"""Details as records: what was written by an earlier day is read, and resumed, today."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from taskflow import engines, states, task
from taskflow.exceptions import WrappedFailure
from taskflow.patterns import linear_flow
from taskflow.persistence import models
from taskflow.types import failure

from esi_flows.engine import details
from esi_flows.engine.persistence import EtcdBackend
from esi_flows.model.errors import DocumentInvalid
from esi_flows.store.base import Store

ROOT = "/golden"
ATOM = f"{ROOT}/flows/b/f/atoms/a"
GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))


def failed(error: BaseException) -> models.TaskDetail:
    atom = models.TaskDetail("t", "a")
    atom.put(states.FAILURE, failure.Failure.from_exception(error))
    return atom


def test_a_fresh_atom_is_little_more_than_its_name() -> None:
    assert details.encode_atom(models.TaskDetail("t", "a")) == b'{"v":1,"name":"t"}'
    assert details.encode_flow(models.FlowDetail("f", "f")) == b'{"v":1,"name":"f"}'


def test_an_atom_is_read_as_it_was() -> None:
    atom = models.TaskDetail("t", "a")
    atom.put(states.SUCCESS, {"deep": [1, None]})
    atom.version, atom.intention, atom.meta = "1.0", states.REVERT, {"progress": 0.5}
    atom.revert_results = "undone"
    assert details.decode_atom(ATOM, details.encode_atom(atom)).to_dict() == atom.to_dict()


def test_a_retry_is_read_with_its_history() -> None:
    atom = models.RetryDetail("r", "a")
    fail = failure.Failure.from_exception(RuntimeError("no", 7))
    atom.results = [(1, {"t": fail}), ({"x": 2}, {})]
    read = details.decode_atom(ATOM, details.encode_atom(atom))
    assert isinstance(read, models.RetryDetail)
    assert read.results[0][1]["t"].matches(fail)
    assert read.last_results == {"x": 2}


def test_arguments_that_the_text_does_not_show_are_left_out() -> None:
    class Refused(Exception):
        def __str__(self) -> str:
            return "refused"

    raw = details.encode_atom(failed(Refused("hunter2", object())))
    assert b"hunter2" not in raw
    assert details.decode_atom(ATOM, raw).failure.exception_str == "refused"
    shown = details.decode_atom(ATOM, details.encode_atom(failed(ValueError("no", 7))))
    assert shown.failure.exception_args == ("no", 7)


def test_a_chain_of_exceptions_takes_no_more_than_its_links() -> None:
    error: Exception = ValueError("x" * details.MAX_TEXT * 2)
    for number in range(60):
        outer = ValueError(f"{number}")
        outer.__cause__ = error
        error = outer
    raw = details.encode_atom(failed(error))
    assert len(raw) < 5_000
    causes = details.decode_atom(ATOM, raw).failure.causes
    assert [cause.exception_str for cause in causes] == [str(n) for n in range(58, 50, -1)]


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"v": None},
        {"name": 3},
        {"type": "NOTHING"},
        {"failure": []},
        {"failure": {}},
        {"type": "RETRY_DETAIL", "results": 3},
        {"meta": []},
    ],
)
def test_a_record_that_is_none_is_invalid(change: dict[str, Any]) -> None:
    with pytest.raises(DocumentInvalid, match=ATOM):
        details.decode_atom(ATOM, json.dumps({"v": 1, "name": "t", **change}).encode())


def test_a_book_without_a_time_is_read() -> None:
    with pytest.raises(DocumentInvalid, match="k/b: cannot be read"):
        details.decode_book("k/b", b'{"v":1,"name":"b","created_at":"yesterday"}')
    assert details.decode_book("k/b", b'{"v":1,"name":"b"}').created_at is None


class Step(task.Task):  # type: ignore[misc]  # TaskFlow is untyped
    """Notes what is done to it."""

    def __init__(self, name: str, done: list[str], *, fails: bool = False) -> None:
        super().__init__(name)
        self._done = done
        self._fails = fails

    def execute(self) -> str:
        self._done.append(f"execute {self.name}")
        if self._fails:
            raise RuntimeError("no luck")
        return f"made {self.name}"

    def revert(self, **kwargs: Any) -> None:
        self._done.append(f"revert {self.name}")


@pytest.mark.parametrize("golden", GOLDEN, ids=[path.stem for path in GOLDEN])
def test_a_flow_recorded_in_any_state_is_read_and_goes_on(store: Store, golden: Path) -> None:
    """The records were written by the first release; they must be readable by every later one."""
    recorded = json.loads(golden.read_text(encoding="utf-8"))
    for key, document in recorded["records"].items():
        store.put(f"{ROOT}/{key}", json.dumps(document).encode())
    backend = EtcdBackend({"path": ROOT}, store=store)
    book = backend.get_connection().get_logbook("b")
    detail = book.find("f")
    assert {atom.name: atom.state for atom in detail} == recorded["atoms"]
    assert detail.state == recorded["state"]
    done: list[str] = []
    flow = linear_flow.Flow("f").add(
        Step("a", done), Step("b", done, fails=recorded["fails"]), Step("c", done)
    )
    engine = engines.load(flow, flow_detail=detail, book=book, backend=backend)
    try:
        engine.run()
    except (RuntimeError, WrappedFailure):
        assert recorded["fails"]
    assert done == recorded["then"]
    assert engine.storage.get_flow_state() == recorded["end"]
