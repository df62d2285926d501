"""Graphs of what the store says, which show no secrets and survive what cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from esi_flows.catalog.loader import load_catalog
from esi_flows.model import keys
from esi_flows.model.groups import GroupRecord, GroupState
from esi_flows.model.jobs import Action, Job, OnFailure, Parameter, ResourceRef
from esi_flows.planning.snapshot import Snapshot
from esi_flows.planning.types import Rule
from esi_flows.store.base import KeyValue
from esi_flows.views import recorded, svg, texts

CANARY = "canary-4711"
NETWORK, PORT = ResourceRef("network", "n1"), ResourceRef("port", "p1")
CATALOG = load_catalog(Path(__file__).parents[2] / "flows")


def _id(resource: ResourceRef) -> str:
    return f"create:heat_worker:{resource}:1:abcde"


def _job() -> Job:
    output = {"output_key": "id", "resource_type": "network", "resource_id": "n1"}
    return Job(
        id=_id(PORT),
        job_name=f"{PORT}:1",
        action=Action.CREATE,
        handler="heat_worker",
        resource_type=PORT.type,
        resource_id=PORT.id,
        version=1,
        resource_input={"password": CANARY},
        params=(
            Parameter("net", "output_key", output, (NETWORK,)),
            Parameter("admin_password", "value", CANARY),
            Parameter("greeting", "value", f"I am {CANARY} indeed"),
        ),
        is_first=True,
        is_last=True,
        on_failure=OnFailure.FAIL,
        dependency=(_id(NETWORK),),
    )


def _record(resource: ResourceRef, **changes: object) -> GroupRecord:
    return GroupRecord(
        name=f"{resource}:1",
        action=Action.CREATE,
        resource=resource,
        version=1,
        job_ids=(_id(resource),),
        posted_at=1.0,
    ).but(**changes)


@pytest.fixture
def store() -> Snapshot:
    records = (
        _record(NETWORK, state=GroupState.RUNNING, started_at=2.0),
        _record(PORT, waits_for=(_id(NETWORK),)),
    )
    documents = {keys.group(record.name): record.encode() for record in records}
    documents[keys.job(_id(PORT))] = _job().encode()
    documents[keys.group("subnet:bad:1")] = b"{"
    documents[keys.job("bad")] = b"{"
    return Snapshot([KeyValue(key, raw, 1, 1) for key, raw in documents.items()], 1)


def test_an_edge_tells_which_output_is_read(store: Snapshot) -> None:
    (edge,) = recorded.live(store, CATALOG).edges
    assert (edge.source, edge.target) == ("network:n1:1", "port:p1:1")
    assert [(why.rule, why.outputs) for why in edge.why] == [(Rule.READS, ("id",))]
    assert edge.text == "reads output id"


def test_what_cannot_be_read_does_not_hide_the_others(store: Snapshot) -> None:
    assert [g.id for g in recorded.live(store, CATALOG).groups()] == ["network:n1:1", "port:p1:1"]


def test_no_secret_gets_into_a_graph(store: Snapshot) -> None:
    graph = recorded.live(store, CATALOG)
    assert "greeting" in texts.document(graph)
    for draw in (texts.document, texts.mermaid, texts.tree, svg.svg):
        assert CANARY not in draw(graph)
