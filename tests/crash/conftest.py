"""A stage for crashes, and processes that can be killed for real."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from esi_flows.store.base import Store
from esi_flows.store.embedded import EmbeddedEtcd
from tests.crash.processes import Processes
from tests.crash.recording import OperationLog
from tests.crash.shapes import Group
from tests.crash.stage import Stage

SetStage = Callable[..., Stage]


@pytest.fixture
def set_stage(etcd: EmbeddedEtcd, store: Store, tmp_path: Path) -> Iterator[SetStage]:
    """Sets the stage for some groups."""
    made: list[Stage] = []

    def make(*groups: Group) -> Stage:
        made.append(Stage(store, etcd.endpoint, OperationLog(tmp_path / "operations"), groups))
        return made[-1]

    yield make
    for stage in made:
        stage.close()


@pytest.fixture(scope="session")
def processes() -> Iterator[Processes]:
    """Starts conductors as processes."""
    made = Processes()
    yield made
    made.close()
