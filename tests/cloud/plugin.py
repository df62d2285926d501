"""Fixtures of the two clouds: the simulated one, and a real Keystone and Heat."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from esi_flows.sandbox.cloud import Cloud
from tests.cloud.bed.cloud import RealCloud
from tests.cloud.bed.process import ROOT
from tests.needs import missing

PYTHON = ROOT / ".venv-cloud" / "bin" / "python"
TENANT = "c552834d72854e4bb6881bab903eb7dc"
"""The project of the example deployments."""

REAL = pytest.param("real", marks=[pytest.mark.cloud, pytest.mark.timeout(300)])
"""The parameter of ``cloud`` for tests on the real one, which those of one worker share."""

BOTH = pytest.mark.parametrize("cloud", ["sandbox", REAL], indirect=True)

World = Cloud | RealCloud


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "cloud: needs a real Keystone and Heat (skipped at home where there is none, fails in CI)",
    )


@pytest.fixture(scope="session")
def shared_real_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealCloud]:
    """The one of this session. Where none is installed: skipped at home, failed in CI."""
    if not (PYTHON.parents[1] / ".cloud").exists():
        missing("no Keystone and Heat are installed; `make test-cloud` installs them")
    folder = tmp_path_factory.mktemp("real-cloud")
    with RealCloud(folder, python=PYTHON, projects=[TENANT]) as cloud:
        yield cloud


@pytest.fixture
def real_cloud(shared_real_cloud: RealCloud) -> Iterator[RealCloud]:
    """A real cloud with no faults. Its stacks stay; a test takes a project of its own."""
    yield shared_real_cloud
    shared_real_cloud.mend()


@pytest.fixture
def cloud(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """The cloud named by the parameter; the simulated one where there is none."""
    if getattr(request, "param", "sandbox") == "real":
        yield request.getfixturevalue("real_cloud")
        return
    with Cloud(tmp_path / "cloud", speed=20) as running:
        yield running


@pytest.fixture
def project(cloud: World) -> str:
    """An empty project's id."""
    return cloud.make_project() if isinstance(cloud, RealCloud) else "a5f1c0de" * 4
