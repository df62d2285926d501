"""Servers that a test may kill, freeze and fill up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from esi_flows.store.embedded import EmbeddedCluster, EmbeddedEtcd
from esi_flows.store.etcd import EtcdStore, connect

Connect = Callable[..., EtcdStore]


@pytest.fixture
def own_etcd(etcd_program: Path, tmp_path: Path) -> Iterator[EmbeddedEtcd]:
    """An etcd of this test's own."""
    with EmbeddedEtcd(tmp_path / "etcd") as server:
        yield server


@pytest.fixture
def cluster(etcd_program: Path, tmp_path: Path) -> Iterator[EmbeddedCluster]:
    """Three members of this test's own."""
    with EmbeddedCluster(tmp_path / "cluster") as members:
        yield members


@pytest.fixture
def connected() -> Iterator[Connect]:
    """Connects like :func:`connect`; closed after the test."""
    stores: list[EtcdStore] = []

    def make(*endpoints: str, **options: Any) -> EtcdStore:
        stores.append(connect(endpoints, **options))
        return stores[-1]

    yield make
    for store in stores:
        store.close()
