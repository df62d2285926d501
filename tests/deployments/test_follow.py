from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.deployments.board import Board
from esi_flows.deployments.follow import Follower
from esi_flows.deployments.progress import Followed, Phase, ResourceProgress
from esi_flows.model import codec, keys
from esi_flows.model.errors import StoreUnavailable
from esi_flows.model.intents import Intent
from esi_flows.model.jobs import ResourceRef
from esi_flows.model.results import State, Target
from esi_flows.store.etcd import EtcdStore

PORT = ResourceRef("port", "p1")
NETWORK = ResourceRef("network", "n1")


class Seen:
    """Remembers what was shown, and tells when something is."""

    def __init__(self) -> None:
        self.moves: list[list[tuple[str, Phase]]] = []
        self.shown = threading.Semaphore(0)

    def show(self, board: Board, moved: list[ResourceProgress]) -> None:
        self.moves.append([(str(p.resource), p.phase) for p in moved])
        self.shown.release()


class Following:
    """A follow in a thread of its own."""

    def __init__(self, follower: Follower, *, monitored: bool = False) -> None:
        self.seen = Seen()
        self.error: Exception | None = None
        self.board: Board | None = None
        self._thread = threading.Thread(target=self._follow, args=(follower, monitored))
        self._thread.start()
        assert self.seen.shown.acquire(timeout=10)

    def _follow(self, follower: Follower, monitored: bool) -> None:
        wanted = [Followed(NETWORK, 1), Followed(PORT, 1)]
        try:
            self.board = follower.follow(wanted, show=self.seen.show, until_monitored=monitored)
        except StoreUnavailable as error:
            self.error = error

    def wait_move(self) -> None:
        assert self.seen.shown.acquire(timeout=10)

    @property
    def ended(self) -> bool:
        self._thread.join(0.2)
        return not self._thread.is_alive()

    def join(self) -> None:
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture
def written(store: EtcdStore, catalog: Catalog) -> EtcdStore:
    for resource in (PORT, NETWORK):
        store.put(keys.config(catalog.path(resource)), Intent({"id": "x"}, 1).encode())
    return store


@pytest.fixture
def follower(written: EtcdStore, catalog: Catalog) -> Iterator[Follower]:
    with Follower(written, catalog) as follower:
        yield follower


def end(store: EtcdStore, catalog: Catalog, resource: ResourceRef, error: str = "") -> None:
    word = "CREATE_FAILED" if error else "READ_COMPLETE"
    state = State(version=1, worker_state=word, error=error)
    store.put(keys.state(catalog.path(resource)), state.encode())


def monitor(store: EtcdStore, catalog: Catalog, name: str, kind: str) -> None:
    target = Target(
        name=name,
        type=kind,
        topic="t",
        resource_type="ports",
        tenant_id="",
        version=1,
        properties={},
    )
    store.put(keys.target(catalog.path(PORT), name), target.encode())


def test_it_ends_when_every_resource_has_its_result(
    written: EtcdStore, catalog: Catalog, follower: Follower
) -> None:
    following = Following(follower)
    end(written, catalog, NETWORK)
    following.wait_move()
    end(written, catalog, PORT, error="quota")
    following.join()
    assert following.seen.moves == [
        [("network:n1", Phase.WAITING), ("port:p1", Phase.WAITING)],
        [("network:n1", Phase.DONE)],
        [("port:p1", Phase.FAILED)],
    ]


def test_results_that_are_there_already_are_not_waited_for(
    written: EtcdStore, catalog: Catalog
) -> None:
    end(written, catalog, NETWORK)
    end(written, catalog, PORT)
    with Follower(written, catalog) as follower:
        Following(follower).join()


def test_with_monitoring_it_ends_when_every_watched_target_is_reported(
    written: EtcdStore, catalog: Catalog, follower: Follower
) -> None:
    monitor(written, catalog, "vmi", "virtual_machine_interface")
    monitor(written, catalog, "counter", "kafka_messenger")
    following = Following(follower, monitored=True)
    end(written, catalog, NETWORK)
    end(written, catalog, PORT)
    key = keys.monitoring(catalog.path(PORT))
    written.put(key, codec.dumps({"version": 0, "vmi": "UP"}))
    assert not following.ended
    written.put(key, codec.dumps({"version": 1, "vmi": "UP"}))
    following.join()


def test_statuses_below_status_count_too(
    written: EtcdStore, catalog: Catalog, follower: Follower
) -> None:
    monitor(written, catalog, "primary", "vrrp_session")
    following = Following(follower, monitored=True)
    for resource in (NETWORK, PORT):
        end(written, catalog, resource)
    key = keys.monitoring(catalog.path(PORT))
    written.put(key, codec.dumps({"version": 1, "status": {"primary": "MASTER"}}))
    following.join()


def test_monitoring_of_what_failed_is_not_waited_for(
    written: EtcdStore, catalog: Catalog, follower: Follower
) -> None:
    monitor(written, catalog, "vmi", "virtual_machine_interface")
    following = Following(follower, monitored=True)
    end(written, catalog, NETWORK)
    end(written, catalog, PORT, error="quota")
    following.join()


def test_it_can_be_aborted_from_another_thread(follower: Follower) -> None:
    following = Following(follower)
    error = StoreUnavailable("etcd is gone")
    follower.abort(error)
    following.join()
    assert following.error is error
