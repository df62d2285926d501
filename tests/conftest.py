"""Fixtures for tests on a real etcd."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from esi_flows.model.errors import ServerError
from esi_flows.store.base import DeletePrefix
from esi_flows.store.embedded import EmbeddedEtcd
from esi_flows.store.embedded.binary import obtain_etcd
from esi_flows.store.etcd import EtcdStore, connect
from tests.needs import missing

pytest_plugins = ("tests.cloud.plugin", "tests.conformance.plugin")

# how long an example takes says more about the machine than about us
settings.register_profile("esi-flows", deadline=None)
settings.load_profile("esi-flows")


@pytest.fixture(scope="session")
def etcd_program() -> Path:
    """The etcd program. Without one: skipped at home, failed in CI."""
    try:
        return obtain_etcd()
    except ServerError as error:
        missing(f"{error.message} ({error.hint})")


@pytest.fixture(scope="session")
def etcd(etcd_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedEtcd]:
    """A private etcd for this session (one per xdist worker). Do not kill it: others use it."""
    with EmbeddedEtcd(tmp_path_factory.mktemp("etcd")) as server:
        yield server


@pytest.fixture
def store(etcd: EmbeddedEtcd) -> Iterator[EtcdStore]:
    """An empty store."""
    store = connect([etcd.endpoint])
    store.txn([], [DeletePrefix("/")])
    yield store
    store.close()
