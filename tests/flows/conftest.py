"""The catalog, and both example deployments built once on a fast sandbox cloud."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from esi_flows.catalog.loader import load_catalog
from esi_flows.catalog.types import Catalog
from esi_flows.deployments.loader import load_deployment
from esi_flows.deployments.types import Deployment
from esi_flows.sandbox.cloud import Cloud
from tests.flows.building import Builder, Built

SPEED = 1000


@pytest.fixture(scope="session")
def flows() -> Path:
    """The folder that everything here is about."""
    return Path(__file__).parents[2] / "flows"


@pytest.fixture(scope="session")
def catalog(flows: Path) -> Catalog:
    return load_catalog(flows)


@pytest.fixture(scope="session")
def deployments(flows: Path, catalog: Catalog) -> Mapping[str, Deployment]:
    return {
        folder.name: load_deployment(folder, catalog)
        for folder in sorted((flows / "deployments").iterdir())
    }


@pytest.fixture(scope="session")
def builder(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Builder]:
    with Cloud(tmp_path_factory.mktemp("cloud"), speed=SPEED) as cloud:
        builder = Builder(catalog, cloud)
        yield builder
        builder.close()


@pytest.fixture(scope="session")
def built(builder: Builder, deployments: Mapping[str, Deployment]) -> Sequence[Built]:
    """Every job of both deployments, as it went."""
    return [job for deployment in deployments.values() for job in builder.build(deployment)]
