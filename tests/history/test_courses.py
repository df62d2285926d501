from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from esi_flows.history import courses
from esi_flows.history.export import export
from esi_flows.history.retention import Keep, outdated, prune
from esi_flows.model import keys
from esi_flows.model.errors import InvalidInput
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import Action, ResourceRef, group_name
from esi_flows.store.base import created_at
from esi_flows.store.etcd import EtcdStore

DAY = 86400.0


def put_course(
    store: EtcdStore, kind: str, identifier: str, *, version: int = 1, ended_at: float
) -> str:
    resource = ResourceRef(kind, identifier)
    record = GroupRecord(
        name=group_name(resource, version),
        action=Action.CREATE,
        resource=resource,
        version=version,
        job_ids=(),
        state=GroupState.SUCCESS,
        ended_at=ended_at,
    )
    key = keys.course(record.name, ended_at)
    store.put(key, record.encode())
    return key


def ids(found: list[courses.Course]) -> list[str]:
    return [course.id for course in found]


def test_the_newest_course_comes_first(store: EtcdStore) -> None:
    for version, ended_at in ((1, 10.0), (3, 30.0), (2, 20.0)):
        put_course(store, "port", "p", version=version, ended_at=ended_at)
    assert [course.record.version for course in courses.below(store)] == [3, 2, 1]


def test_a_group_that_came_again_has_two_courses(store: EtcdStore) -> None:
    put_course(store, "port", "p", ended_at=1.0)
    put_course(store, "port", "p", ended_at=2.0)
    assert ids(courses.find(store, "port:p:1")) == [
        "port:p:1/0000000002000",
        "port:p:1/0000000001000",
    ]


@pytest.mark.parametrize(
    "text", ["port:abcd", "port:ab", "abc", "port:abcd:1", "port:abcd:1/0000000001000"]
)
def test_a_course_is_found_by_whatever_tells_it_from_others(store: EtcdStore, text: str) -> None:
    put_course(store, "port", "abcd", ended_at=1.0)
    put_course(store, "port", "xyz", ended_at=1.0)
    assert ids(courses.find(store, text)) == ["port:abcd:1/0000000001000"]


def test_an_id_that_begins_another_is_not_taken_for_it(store: EtcdStore) -> None:
    put_course(store, "port", "p1", ended_at=1.0)
    put_course(store, "port", "p10", ended_at=1.0)
    assert ids(courses.find(store, "port:p1")) == ["port:p1:1/0000000001000"]


def test_what_may_be_several_resources_is_refused_with_their_names(store: EtcdStore) -> None:
    put_course(store, "port", "ab1", ended_at=1.0)
    put_course(store, "network", "ab2", ended_at=1.0)
    with pytest.raises(InvalidInput, match="network:ab2, port:ab1"):
        courses.find(store, "ab")
    with pytest.raises(InvalidInput, match="no course of 'zzz'"):
        courses.find(store, "zzz")


def test_a_course_that_cannot_be_read_hides_no_other(store: EtcdStore) -> None:
    put_course(store, "port", "p", ended_at=1.0)
    store.put(f"{keys.HISTORY}port:q:1/0000000001000", b"{")
    assert ids(courses.below(store)) == ["port:p:1/0000000001000"]


def test_what_is_too_old_goes_and_what_is_young_stays(store: EtcdStore) -> None:
    old = put_course(store, "port", "old", ended_at=1 * DAY)
    put_course(store, "port", "young", ended_at=9 * DAY)
    assert outdated(store, Keep(days=5, count=0), now=10 * DAY) == [old]


def test_what_is_too_many_goes_the_oldest_first(store: EtcdStore) -> None:
    written = [put_course(store, "port", f"p{n}", ended_at=float(n)) for n in range(1, 6)]
    assert outdated(store, Keep(days=0, count=2), now=100 * DAY) == written[:3]


def test_zero_sets_no_bound(store: EtcdStore) -> None:
    put_course(store, "port", "p", ended_at=1.0)
    assert outdated(store, Keep(days=0, count=0), now=1000 * DAY) == []


def test_a_pinned_course_stays_and_does_not_count(store: EtcdStore) -> None:
    first = put_course(store, "port", "a", ended_at=1.0)
    second = put_course(store, "port", "b", ended_at=2.0)
    third = put_course(store, "port", "c", ended_at=3.0)
    [course] = courses.find(store, "port:a")
    assert courses.pin(store, course, by="alice@h", at=5.0, reason="evidence")
    assert not courses.pin(store, course, by="bob@h", at=6.0)
    assert outdated(store, Keep(days=0, count=1), now=10.0) == [second]
    [again] = courses.find(store, "port:a")
    assert again.pinned == "alice@h"
    assert courses.unpin(store, again)
    assert not courses.unpin(store, again)
    assert outdated(store, Keep(days=0, count=1), now=10.0) == [first, second]
    assert store.get(third) is not None


def test_what_is_pinned_while_it_is_being_removed_stays(store: EtcdStore) -> None:
    written = [put_course(store, "port", f"p{n}", ended_at=float(n)) for n in range(1, 5)]
    doomed = outdated(store, Keep(days=0, count=1), now=10.0)
    [course] = courses.find(store, "port:p2")
    courses.pin(store, course, by="alice@h", at=5.0)
    assert prune(store, doomed) == 2
    assert {item.key for item in store.range(keys.HISTORY).items} == {written[1], written[3]}


def test_whoever_has_lost_the_role_removes_nothing(store: EtcdStore) -> None:
    key = put_course(store, "port", "p", ended_at=1.0)
    lost = created_at(keys.claim(keys.READER_ROLE), 1)
    assert prune(store, [key], fence=[lost]) == 0
    assert store.get(key) is not None


def test_many_are_removed_in_several_steps(store: EtcdStore) -> None:
    written = [put_course(store, "port", f"p{n}", ended_at=float(n)) for n in range(1, 121)]
    steps = iter([True, True, False])
    assert prune(store, written, may_go_on=lambda: next(steps)) == 100
    assert prune(store, written) == 120  # removing what is gone is no error
    assert store.range(keys.HISTORY).items == ()


def test_an_export_is_one_object_a_line_for_its_owner_only(
    store: EtcdStore, tmp_path: Path
) -> None:
    put_course(store, "port", "a", ended_at=1.0)
    put_course(store, "port", "b", ended_at=2.0)
    path = tmp_path / "courses.jsonl"
    assert export(path, courses.below(store)) == 2
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["id"] for line in lines] == ["port:b:1/0000000002000", "port:a:1/0000000001000"]
    assert lines[0]["state"] == "SUCCESS"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_export_replaces_no_file_and_leaves_none_half_written(
    store: EtcdStore, tmp_path: Path
) -> None:
    put_course(store, "port", "a", ended_at=1.0)
    path = tmp_path / "there"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(InvalidInput, match="is there already"):
        export(path, courses.below(store))
    with pytest.raises(InvalidInput, match="cannot be written"):
        export(tmp_path / "missing" / "file", courses.below(store))
    assert path.read_text(encoding="utf-8") == "mine"
    assert [file.name for file in tmp_path.iterdir()] == ["there"]
