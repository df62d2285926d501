"""A network of any size: the example deployment, over and over, with ids of its own each time."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import NamedTuple

from esi_flows.catalog.types import Catalog
from esi_flows.deployments.loader import load_deployment
from esi_flows.model.intents import Intent
from esi_flows.model.jobs import ResourceRef

TENANTS_PER_SITE = 50
"""How many tenants share routers, switches and the service before there is another site."""

_OF_TENANT = frozenset(
    (
        "internet_gateway",
        "public_ip",
        "network",
        "subnet",
        "port",
        "gw_interface",
        "ese_logical_port",
        "static_route",
    )
)
_NAMESPACE = uuid.UUID("9f6f1f0e-6f0f-4d0a-8d5e-3b0d6e3c7a11")


class Wanted(NamedTuple):
    """One intent of the network."""

    resource: ResourceRef
    intent: Intent


def network(size: int, folder: Path, catalog: Catalog) -> list[Wanted]:
    """``size`` intents, each after those it refers to. The same for the same arguments.

    ``folder`` is the deployment that is repeated: what belongs to a tenant for each tenant, the
    rest for each site. Raises InvalidInput.
    """
    return list(islice(_endless(folder, catalog), size))


def _endless(folder: Path, catalog: Catalog) -> Iterator[Wanted]:
    # only the first step: a later one gives resources anew, and each intent here is one resource
    pattern = load_deployment(folder, catalog).steps[0].intents
    site = [wanted for wanted in pattern if wanted.resource.type not in _OF_TENANT]
    tenant = [wanted for wanted in pattern if wanted.resource.type in _OF_TENANT]
    for number in count():
        site_ids = {w.resource.id: _id(w.resource.id, number // TENANTS_PER_SITE) for w in site}
        ids = {**site_ids, **{w.resource.id: _id(w.resource.id, number) for w in tenant}}
        if number % TENANTS_PER_SITE == 0:
            yield from (_copy(wanted.resource, wanted.body, ids) for wanted in site)
        yield from (_copy(wanted.resource, wanted.body, ids) for wanted in tenant)


def _id(of: str, number: int) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{of}-{number}"))


def _copy(resource: ResourceRef, body: object, ids: dict[str, str]) -> Wanted:
    text = json.dumps(body)
    for old, new in ids.items():
        text = text.replace(old, new)
    return Wanted(ResourceRef(resource.type, ids[resource.id]), Intent(json.loads(text), 1))
