from __future__ import annotations

from esi_flows.deployments.events import Happening, Stream
from esi_flows.model import codec, keys
from esi_flows.model.groups import GroupRecord, GroupState, JobCourse
from esi_flows.model.jobs import Action, ResourceRef
from esi_flows.model.steering import Order, Pause, Steering, Want
from esi_flows.store.base import Event

JOB = "create:heat_worker:port:p:1:abcde"
RECORD = GroupRecord(
    name="port:p:1",
    action=Action.CREATE,
    resource=ResourceRef("port", "p"),
    version=1,
    job_ids=(JOB,),
)


def told(stream: Stream, key: str, value: bytes | None, revision: int = 7) -> list[Happening]:
    return list(stream.happened(Event(key, value, revision)))


def group(stream: Stream, record: GroupRecord) -> list[Happening]:
    return told(stream, keys.group(record.name), record.encode())


def atom(stream: Stream, state: str) -> list[Happening]:
    key = f"{keys.PERSISTENCE}flows/b/f/atoms/a"
    return told(stream, key, codec.dumps({"name": JOB, "state": state}))


def test_transitions_of_a_group_are_told_once() -> None:
    stream = Stream()
    assert group(stream, RECORD) == [Happening(7, "group", "port:p:1", "PENDING")]
    assert group(stream, RECORD) == []
    running = RECORD.claimed_by("c1", 1.0)
    assert [h.state for h in group(stream, running)] == ["RUNNING"]
    assert [h.by for h in group(stream, running.claimed_by("c2", 2.0))] == ["c2"]


def test_a_job_that_ends_with_its_group_is_told_before_it() -> None:
    stream = Stream()
    assert [h.state for h in atom(stream, "RUNNING")] == ["RUNNING"]
    assert atom(stream, "RUNNING") == []
    ended = RECORD.but(
        state=GroupState.REVERTED,
        error="no luck",
        course=(JobCourse(id=JOB, state="REVERTED", error="no luck"),),
    )
    assert [(h.kind, h.state, h.text) for h in group(stream, ended)] == [
        ("job", "REVERTED", "no luck"),
        ("group", "REVERTED", "no luck"),
    ]


def test_each_order_is_told_once_and_so_are_pauses() -> None:
    stream = Stream()
    first = Order(want=Want.SUSPEND, by="alice@h", at=1.0, reason="why")
    second = Order(want=Want.RUN, by="bob@h", at=2.0)
    key, service = keys.steering("port:p:1"), keys.steering(keys.WHOLE_SERVICE)
    one = told(stream, key, Steering(0.0, (first,)).encode())
    assert one == [Happening(7, "order", "port:p:1", "suspend", "alice@h", "why")]
    assert [h.by for h in told(stream, key, Steering(0.0, (first, second)).encode())] == ["bob@h"]
    paused = told(stream, service, Pause(by="alice@h", at=1.0).encode())
    assert [h.state for h in (*paused, *told(stream, service, None))] == ["PAUSED", "UNPAUSED"]


def test_quarantine_and_conductors_are_told() -> None:
    stream = Stream()
    key = keys.quarantine("/config/v2.0/ports/p")
    assert told(stream, key, b'{"reason": "bad"}')[0].text == "bad"
    assert told(stream, key, None)[0].name == "/config/v2.0/ports/p"
    assert [h.state for h in told(stream, keys.conductor("c1"), None)] == ["GONE"]


def test_what_cannot_be_read_tells_nothing() -> None:
    stream = Stream()
    for key in (keys.group("x"), keys.steering("x"), keys.quarantine("/x"), keys.OURS + "x"):
        assert told(stream, key, b"{") == []
