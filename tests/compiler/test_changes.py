"""A change becomes the jobs that the situation asks for, in order, with what they wait for."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.compiler.changes import compile_change, is_change
from esi_flows.compiler.groups import JobGroup, NotWorkable
from esi_flows.compiler.queue import Queue
from esi_flows.model.errors import MappingError, MissingDocument
from esi_flows.model.intents import Intent, Memo
from esi_flows.model.jobs import Action, Job, OnFailure, ResourceRef, by_name
from tests.compiler.support import Written, resource_type, template

PORT, NETWORK = ResourceRef("port", "p1"), ResourceRef("network", "n1")
DOCUMENTS = Written.of({"network:n1": {"id": "n1"}})
BODY = {"id": "p1", "network_id": "n1", "kind": "a", "attached": False}
LATER = {**BODY, "attached": True}


def owned(handler_template: str) -> dict[str, Any]:
    """Ports whose owner is dhcp have no template."""
    return {
        "if_mapping": {"regexp": [{"field": "owner"}, "network:dhcp"]},
        "then_mapping": {"constant": None},
        "else_mapping": {"constant": handler_template},
    }


def catalog(**choices: Any) -> Catalog:
    choices = choices or {
        "heat_worker": owned("port"),
        "monitoring_worker": owned("port_monitoring"),
    }
    return Catalog(
        [
            resource_type("network", heat_worker="Cnetwork"),
            resource_type("port", relations={"network_id": "network"}, **choices),
        ],
        [
            template("network", name="Pid"),
            template("port", network="Mnetwork:network_id:id", attached="Pattached", id="Pid"),
            template(
                "port_monitoring",
                "monitoring_worker",
                attached={"field": "attached"},
                network={"field": "network_id"},
                fq_name={"output_key": "fq_name"},
            ),
        ],
    )


def suffixes() -> Iterator[str]:
    return (f"s{n}" for n in itertools.count())


def compile_port(
    body: Any = BODY,
    *,
    version: int = 1,
    memo: Memo | None = None,
    marked: bool = False,
    using: Catalog | None = None,
    documents: Written = DOCUMENTS,
    queue: Queue | None = None,
) -> JobGroup:
    compiled = compile_change(
        PORT,
        Intent(body, version, marked),
        memo=memo,
        documents=documents,
        catalog=using or catalog(),
        queue=queue or Queue(),
        suffix=suffixes().__next__,
    )
    assert isinstance(compiled, JobGroup)
    return compiled


def kinds(group: JobGroup) -> list[tuple[str, str]]:
    return [(f"{j.action}:{j.handler}", j.on_failure.value) for j in group.jobs]


def value_of(job: Job, name: str) -> Any:
    return by_name(job.params)[name].value


def test_a_new_resource_is_created() -> None:
    group = compile_port()
    assert (group.name, group.action, group.waits_for) == ("port:p1:1", Action.CREATE, ())
    assert kinds(group) == [("create:heat_worker", "fail"), ("create:monitoring_worker", "fail")]
    heat, watch = group.jobs
    assert heat.id == "create:heat_worker:port:p1:1:s0"
    assert watch.id == "create:monitoring_worker:port:p1:1:s1"
    assert [(j.is_first, j.is_last) for j in group.jobs] == [(True, False), (False, True)]
    assert {j.job_name for j in group.jobs} == {"port:p1:1"}
    assert [p.param for p in heat.params] == ["attached", "id", "network"]
    assert by_name(heat.params)["network"].resources == (NETWORK,)


def test_a_newer_version_replaces() -> None:
    group = compile_port(LATER, version=2, memo=Memo(BODY, 1))
    assert group.action is Action.MODIFY
    assert kinds(group) == [
        ("delete:monitoring_worker", "ignore"),
        ("modify:heat_worker", "fail"),
        ("create:monitoring_worker", "fail"),
    ]
    gone, heat, watch = group.jobs
    # the half that deletes reads the old configuration, and still carries the new one
    assert [value_of(j, "attached") for j in group.jobs] == [False, True, True]
    assert all(j.resource_input == LATER and j.version == 2 for j in group.jobs)
    assert gone.dependency == ()
    assert heat.dependency == (gone.id,)
    assert set(watch.dependency) == {gone.id, heat.id}
    assert watch.dependency == tuple(sorted(watch.dependency))


def test_a_replacement_reads_both_configurations() -> None:
    other = {**LATER, "network_id": "n2"}
    documents = Written.of({"network:n1": {}, "network:n2": {}})
    group = compile_port(other, version=2, memo=Memo(BODY, 1), documents=documents)
    read = [Counter(r.id for r in by_name(j.params)["network"].resources) for j in group.jobs]
    assert read == [{"n1": 1, "n2": 1}, {"n1": 1, "n2": 1}, {"n1": 1, "n2": 2}]


def test_what_only_the_old_configuration_read_may_be_gone() -> None:
    other = {**LATER, "network_id": "n2"}
    documents = Written.of({"network:n2": {}})
    by_path = template("port", name={"field": "id", "path": ["network_id"]})
    using = Catalog(catalog(heat_worker="Cport").types.values(), [by_path])
    group = compile_port(other, version=2, memo=Memo(BODY, 1), documents=documents, using=using)
    assert group.jobs[0].params[0].resources == (ResourceRef("network", "n2"),)


def test_a_marked_resource_is_watched_no_more_and_then_removed() -> None:
    group = compile_port(LATER, version=2, memo=Memo(BODY, 1), marked=True)
    assert group.action is Action.LOGICAL_DELETE
    assert kinds(group) == [
        ("delete:monitoring_worker", "ignore"),
        ("logical_delete:heat_worker", "fail"),
    ]
    gone, heat = group.jobs
    assert (value_of(gone, "attached"), value_of(heat, "attached")) == (False, True)
    assert by_name(heat.params)["network"].resources == (NETWORK, NETWORK)


def test_a_resource_can_be_removed_whatever_has_become_of_what_it_refers_to() -> None:
    by_path = template("port", name={"field": "name", "path": ["network_id"]})
    using = Catalog(catalog(heat_worker="Cport").types.values(), [by_path])
    none = Written()
    with pytest.raises(MissingDocument):
        compile_port(LATER, version=2, memo=Memo(BODY, 1), using=using, documents=none)
    group = compile_port(
        LATER, version=2, memo=Memo(BODY, 1), marked=True, using=using, documents=none
    )
    assert kinds(group) == [("logical_delete:heat_worker", "fail")]
    assert value_of(group.jobs[0], "name") == ""


def test_a_marked_resource_that_was_never_accepted_is_removed_too() -> None:
    assert [kind for kind, _ in kinds(compile_port(marked=True))] == [
        "delete:monitoring_worker",
        "logical_delete:heat_worker",
    ]


def test_after_a_deletion_a_resource_begins_anew() -> None:
    group = compile_port(memo=Memo(BODY, 4, deleted=True))
    assert group.action is Action.CREATE


@pytest.mark.parametrize(
    ("choices", "created", "replaced", "removed"),
    [
        (
            {"heat_worker": "Cport"},
            ["create:heat_worker"],
            ["modify:heat_worker"],
            ["logical_delete:heat_worker"],
        ),
        (
            {"monitoring_worker": "Cport_monitoring"},
            ["create:monitoring_worker"],
            ["delete:monitoring_worker", "create:monitoring_worker"],
            ["delete:monitoring_worker"],
        ),
        # a name that is a template of the other handler is the name of none
        (
            {"heat_worker": "Cport", "monitoring_worker": "Cport"},
            ["create:heat_worker"],
            ["modify:heat_worker"],
            ["logical_delete:heat_worker"],
        ),
    ],
)
def test_a_handler_without_a_template_has_no_part(
    choices: dict[str, Any], created: list[str], replaced: list[str], removed: list[str]
) -> None:
    using, memo = catalog(**choices), Memo(BODY, 1)
    assert [k for k, _ in kinds(compile_port(using=using))] == created
    assert [k for k, _ in kinds(compile_port(version=2, memo=memo, using=using))] == replaced
    gone = compile_port(version=2, memo=memo, marked=True, using=using)
    assert [k for k, _ in kinds(gone)] == removed
    assert (gone.jobs[0].is_first, gone.jobs[-1].is_last) == (True, True)


@pytest.mark.parametrize(
    "choices",
    [
        {"heat_worker": {"constant": None}},
        {"heat_worker": "Cno_such_template"},
        {"heat_worker": owned("port"), "monitoring_worker": owned("port_monitoring")},
        {"heat_worker": "ACport&Pabsent&C_x"},
    ],
)
def test_a_change_that_nobody_has_a_part_in_is_not_workable(choices: dict[str, Any]) -> None:
    body = {**BODY, "owner": "network:dhcp"}
    compiled = compile_change(
        PORT,
        Intent(body, 3),
        memo=None,
        documents=DOCUMENTS,
        catalog=catalog(**choices),
        queue=Queue(),
        suffix=suffixes().__next__,
    )
    assert compiled == NotWorkable(PORT, 3)


def test_a_handler_that_loses_its_part_removes_what_it_made() -> None:
    dhcp = {**BODY, "owner": "network:dhcp"}
    group = compile_port(dhcp, version=2, memo=Memo(BODY, 1))
    assert group.action is Action.MODIFY
    assert kinds(group) == [
        ("delete:monitoring_worker", "ignore"),
        ("logical_delete:heat_worker", "fail"),
    ]


def test_a_handler_that_gains_a_part_creates() -> None:
    dhcp = {**BODY, "owner": "network:dhcp"}
    group = compile_port(BODY, version=2, memo=Memo(dhcp, 1))
    assert group.action is Action.MODIFY
    assert [k for k, _ in kinds(group)] == ["create:heat_worker", "create:monitoring_worker"]


def test_only_the_first_job_waits_for_others() -> None:
    queue = Queue()
    for job in compile_network().jobs:
        queue.add(job)
    group = compile_port(LATER, version=2, memo=Memo(BODY, 1), queue=queue)
    waits = ("create:heat_worker:network:n1:1:s0",)
    assert group.waits_for == waits
    gone, heat, watch = group.jobs
    assert (gone.dependency, heat.dependency) == (waits, (gone.id,))
    assert set(watch.dependency) == {gone.id, heat.id}


def compile_network() -> JobGroup:
    compiled = compile_change(
        NETWORK,
        Intent({"id": "n1"}, 1),
        memo=None,
        documents=DOCUMENTS,
        catalog=catalog(),
        queue=Queue(),
        suffix=suffixes().__next__,
    )
    assert isinstance(compiled, JobGroup)
    return compiled


def test_a_group_waits_for_what_any_of_its_jobs_reads() -> None:
    queue = Queue()
    for job in compile_network().jobs:
        queue.add(job)
    only_watch = Catalog(
        catalog().types.values(),
        [template("port", id="Pid"), catalog().templates["port_monitoring"]],
    )
    assert compile_port(queue=queue, using=only_watch).waits_for != ()


def test_a_second_version_waits_for_the_first() -> None:
    queue = Queue()
    first = compile_port()
    for job in first.jobs:
        queue.add(job)
    second = compile_port(LATER, version=2, memo=Memo(BODY, 1), queue=queue)
    assert set(second.waits_for) == {job.id for job in first.jobs}


@pytest.mark.parametrize(
    ("memo", "version", "marked", "change"),
    [
        (None, 1, False, True),
        (Memo({}, 1), 2, False, True),
        (Memo({}, 1), 7, False, True),
        (Memo({}, 2), 2, False, False),
        (Memo({}, 2), 1, False, False),
        (Memo({}, 4, deleted=True), 1, False, True),
        (Memo({}, 4, deleted=True), 4, True, False),
    ],
)
def test_what_is_a_change(memo: Memo | None, version: int, marked: bool, change: bool) -> None:
    assert is_change(Intent({}, version, marked), memo) is change


def test_an_error_names_resource_parameter_and_mapping() -> None:
    by_path = template("port", x={"field": "name", "path": ["network_id"]})
    using = Catalog(catalog(heat_worker="Cport").types.values(), [by_path])
    with pytest.raises(MissingDocument) as caught:
        compile_port(using=using, documents=Written())
    assert caught.value.missing == "network:n1"
    for part in ("port:p1", "parameter x", '"path": ["network_id"]', "network:n1"):
        assert part in caught.value.message


@pytest.mark.parametrize(
    ("choice", "parameter", "what"),
    [("Xport", "Pid", "template choice"), ("Cport", "X", "parameter x")],
)
def test_a_mapping_that_cannot_be_read_is_named(choice: str, parameter: str, what: str) -> None:
    using = Catalog(catalog(heat_worker=choice).types.values(), [template("port", x=parameter)])
    with pytest.raises(MappingError, match=what):
        compile_port(using=using)


def test_a_compiled_job_reads_back_as_it_was() -> None:
    group = compile_port(LATER, version=2, memo=Memo(BODY, 1))
    for job in group.jobs:
        assert Job.decode(job.id, job.encode()) == job
        assert job.on_failure in OnFailure
