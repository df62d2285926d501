"""TaskFlow's own tests of persistence backends, on etcd: all of them."""

from __future__ import annotations

import unittest
from collections.abc import Iterator
from typing import Any

import pytest
from taskflow.tests.unit.persistence.base import PersistenceTestMixin

from esi_flows.engine.connection import DetailConnection
from esi_flows.engine.persistence import EtcdBackend
from esi_flows.store.embedded import EmbeddedEtcd
from esi_flows.store.etcd import EtcdStore


# TaskFlow's tests are untyped, too
class TestOneBackend(unittest.TestCase, PersistenceTestMixin):  # type: ignore[misc]
    """Connections of one backend, which remembers what it has met."""

    _backends: Any

    @pytest.fixture(autouse=True)
    def _open(self, etcd: EmbeddedEtcd, store: EtcdStore) -> Iterator[None]:
        opened = EtcdBackend({"connection": etcd.endpoint})
        self._backends = lambda: opened
        yield
        opened.close()

    def _get_connection(self) -> DetailConnection:
        connection: DetailConnection = self._backends().get_connection()
        return connection


class TestOneBackendForEachCall(TestOneBackend):
    """As if each call was made by another process."""

    @pytest.fixture(autouse=True)
    def _open(self, etcd: EmbeddedEtcd, store: EtcdStore) -> Iterator[None]:
        opened: list[EtcdBackend] = []

        def another() -> EtcdBackend:
            opened.append(EtcdBackend({"connection": etcd.endpoint}))
            return opened[-1]

        self._backends = another
        yield
        for backend in opened:
            backend.close()
