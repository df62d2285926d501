from __future__ import annotations

from esi_flows.store.embedded import EmbeddedCluster
from esi_flows.store.embedded.process import is_healthy
from tests.store.conftest import Connect


def test_every_member_serves_the_same_data(cluster: EmbeddedCluster, connected: Connect) -> None:
    assert len(set(cluster.endpoints)) == 3
    connected(cluster.endpoints[0]).put("/a", b"x")
    for endpoint in cluster.endpoints:
        assert connected(endpoint).get("/a") is not None


def test_killed_member_is_gone_until_it_is_restarted(cluster: EmbeddedCluster) -> None:
    cluster.kill(1)
    assert not is_healthy(cluster.endpoints[1])
    for other in (0, 2):
        cluster.wait_ready(other)  # it may have been the leader
    cluster.restart(1)
    assert is_healthy(cluster.endpoints[1])


def test_frozen_member_does_not_answer_until_it_goes_on(cluster: EmbeddedCluster) -> None:
    cluster.pause(2)
    assert not is_healthy(cluster.endpoints[2])
    cluster.resume(2)
    cluster.wait_ready(2)
