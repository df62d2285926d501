from __future__ import annotations

import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.deployments import lookup
from esi_flows.model import keys
from esi_flows.model.errors import InvalidInput
from esi_flows.model.intents import Intent
from esi_flows.model.jobs import ResourceRef
from esi_flows.model.results import State
from esi_flows.store.etcd import EtcdStore


@pytest.fixture
def filled(store: EtcdStore, catalog: Catalog) -> EtcdStore:
    for resource in (
        ResourceRef("network", "abc-1"),
        ResourceRef("port", "abc-2"),
        ResourceRef("port", "abd"),
        ResourceRef("port", "ab"),
    ):
        store.put(keys.config(catalog.path(resource)), Intent({}, 1).encode())
    state = State(version=1, worker_state="READ_COMPLETE")
    store.put("/state/v2.0/subnets/only-state", state.encode())
    store.put("/config/v9/unknowns/x", b"{}")
    return store


@pytest.mark.parametrize(
    ("text", "resource"),
    [
        ("port:abc-2", ResourceRef("port", "abc-2")),
        ("port:abc", ResourceRef("port", "abc-2")),
        ("abd", ResourceRef("port", "abd")),
        ("network:a", ResourceRef("network", "abc-1")),
        ("only", ResourceRef("subnet", "only-state")),
        ("ab", ResourceRef("port", "ab")),
    ],
)
def test_a_resource_is_named_by_the_beginning_of_its_id(
    filled: EtcdStore, catalog: Catalog, text: str, resource: ResourceRef
) -> None:
    assert lookup.find(filled, catalog, text) == resource


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("abc", "'abc' may be network:abc-1, port:abc-2", "give the type and more of the id"),
        ("zzz", "no resource is called 'zzz'", "esi-flows status lists all"),
        ("prot:abc", "unknown resource type 'prot'", "did you mean 'port'?"),
    ],
)
def test_a_name_that_fits_none_or_several_is_refused(
    filled: EtcdStore, catalog: Catalog, text: str, message: str, hint: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        lookup.find(filled, catalog, text)
    assert (caught.value.message, caught.value.hint) == (message, hint)
