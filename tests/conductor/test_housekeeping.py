"""What a conductor keeps of groups that have ended, and what it clears away."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from esi_flows.conductor.housekeeping import Housekeeper
from esi_flows.conductor.service import Conductor
from esi_flows.history import courses
from esi_flows.history.retention import Keep
from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import Action, ResourceRef, group_name
from esi_flows.store.base import Store
from esi_flows.store.claims import Claim
from esi_flows.store.etcd import EtcdStore
from esi_flows.store.reflector import Reflector
from tests.conductor.conftest import World, network, small_catalog
from tests.plugins import ListHandler


def test_a_course_is_written_with_the_end_and_tells_who_ran_it(
    world: World, conductor: Conductor
) -> None:
    world.want(network("n1"))
    world.state(network("n1"))
    [course] = courses.below(world.store)
    final, written = world.store.get(keys.group("network:n1:1")), world.store.get(course.key)
    assert final is not None
    assert written is not None
    assert (written.mod_revision, written.value) == (final.mod_revision, final.value)
    assert [claim.conductor for claim in course.record.claims] == [conductor.id]
    assert [job.state for job in course.record.course] == ["SUCCESS", "SUCCESS"]


def test_a_course_tells_why_a_group_failed(
    world: World, heat: ListHandler, conductor: Conductor
) -> None:
    class Everything(tuple[str, ...]):
        def __contains__(self, job_id: object) -> bool:
            return True

    heat.fails = Everything()
    world.want(network("n1"))
    world.state(network("n1"))
    [course] = courses.below(world.store)
    assert course.record.state is GroupState.REVERTED
    assert "no luck with create:heat_worker:network:n1:1" in course.record.error
    assert course.record.course[0].error == course.record.error


@pytest.fixture
def cache(store: EtcdStore) -> Iterator[Reflector]:
    cache = Reflector(store, (keys.GROUPS, keys.CONFIG, keys.MEMO))
    yield cache
    cache.stop()


def look(
    store: Store, cache: Reflector, *, keep: Keep | None = None, has_role: bool = True
) -> None:
    """One look of a housekeeper at the store as it is."""
    key = keys.claim(keys.READER_ROLE)
    store.put(key, b"{}")
    found = store.get(key)
    assert found is not None
    claim = Claim(keys.READER_ROLE, found.create_revision)
    cache.start()
    assert cache.wait_synced(20)
    housekeeper = Housekeeper(
        store,
        cache,
        keep=keep or Keep(),
        interval_seconds=60,
        catalog=small_catalog,
        role=lambda: claim if has_role else None,
    )
    housekeeper.look()


def put_group(store: Store, name: str, version: int, **changes: object) -> str:
    resource = ResourceRef("network", name)
    record = GroupRecord(
        name=group_name(resource, version),
        action=Action.CREATE,
        resource=resource,
        version=version,
        job_ids=(),
        state=GroupState.SUCCESS,
        ended_at=1.0,
    ).but(**changes)
    store.put(keys.group(record.name), record.encode())
    return record.name


def groups(store: Store) -> set[str]:
    return {item.key.removeprefix(keys.GROUPS) for item in store.range(keys.GROUPS).items}


def test_of_a_resource_the_record_of_the_last_group_stays(
    world: World, store: EtcdStore, cache: Reflector
) -> None:
    world.want(network("n1"))
    for version in (1, 2, 10):
        put_group(store, "n1", version)
    look(store, cache)
    assert groups(store) == {"network:n1:10"}


def test_of_a_resource_that_is_gone_no_record_stays(store: EtcdStore, cache: Reflector) -> None:
    put_group(store, "gone", 1)
    look(store, cache)
    assert groups(store) == set()


def test_what_has_just_ended_or_not_ended_or_is_waited_for_stays(
    world: World, store: EtcdStore, cache: Reflector
) -> None:
    world.want(network("n1"))
    kept = {
        put_group(store, "n1", 1, state=GroupState.REVERTED),  # n2 must hear of it
        put_group(store, "n1", 2, ended_at=9e12),
        put_group(store, "n1", 3),
        put_group(store, "n1", 4, state=GroupState.RUNNING, ended_at=0.0),
        put_group(
            store,
            "n2",
            1,
            state=GroupState.PENDING,
            ended_at=0.0,
            waits_for=("create:heat_worker:network:n1:1:abcde",),
        ),
    }
    look(store, cache)
    assert groups(store) == kept


def test_without_the_role_nothing_is_cleared(store: EtcdStore, cache: Reflector) -> None:
    put_group(store, "gone", 1)
    look(store, cache, has_role=False)
    assert groups(store) == {"network:gone:1"}


def test_with_the_role_old_courses_go(store: EtcdStore, cache: Reflector) -> None:
    put_group(store, "n1", 1)
    record = store.get(keys.group("network:n1:1"))
    assert record is not None
    store.put(keys.course("network:n1:1", 1.0), record.value)
    look(store, cache, keep=Keep(days=1, count=0))
    assert store.range(keys.HISTORY).items == ()
