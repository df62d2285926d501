"""The seed: a port is created, then attached; seven documents tell what happened.

The port belongs to a gateway interface of the example deployment ``internet_gateway``. Everything
is real: etcd, the compiler, TaskFlow, the OpenStack clients over HTTP, the collector, and in one of
two runs the cloud.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.collector.service import Collector
from esi_flows.conductor.service import Conductor
from esi_flows.deployments.apply import Applier
from esi_flows.deployments.loader import load_deployment
from esi_flows.model import keys
from esi_flows.store.base import Store
from tests.acceptance.conftest import FLOWS, History
from tests.cloud.plugin import BOTH, World

pytestmark = BOTH

PORT = "d9797086-59a8-4c44-a08b-d30a6e5df64d"
NETWORK = "c2b60575-5ba6-43d3-97ea-f51c0bd188f5"
SUBNET = "59399674-e0cd-408d-8318-daa43d15e450"
INTERFACE = "9b45dcfd-278a-46ad-9dfc-f94316ebb399"
TENANT = "c552834d72854e4bb6881bab903eb7dc"
PATH = keys.ResourcePath("v2.0/ports", PORT)

OUTPUTS = {
    "id": PORT,
    "mac_address": "xx:xx:xx:xx:xx:xx",
    "allowed_address_pairs": "null",
    "virtual_network": "00000000-0000-4000-8000-00000000000b",  # the simulated Contrail's
    "fq_name": f"default-domain:admin:{PORT}",
}
MEMBERS = {
    *("id", "job_name", "action", "handler", "on_failure", "is_first", "is_last", "dependency"),
    *("resource_type", "resource_id", "resource_input", "version", "params"),
}


def ref(kind: str, identifier: str) -> dict[str, str]:
    return {"resource_type": kind, "resource_id": identifier}


def output(kind: str, identifier: str, key: str) -> dict[str, str]:
    return {"output_key": key, **ref(kind, identifier)}


def outputs_of(listed: Any) -> dict[str, Any]:
    return {entry["output_key"]: entry["output_value"] for entry in listed}


class Seed:
    """What a watcher saw while the port went from version 1 to version 2."""

    def __init__(self, history: History, since: int) -> None:
        self.history = history
        self.since = since

    def of(self, key: str) -> list[Any]:
        return self.history.of(key, self.since)

    def jobs(self) -> dict[str, dict[str, Any]]:
        """The port's jobs by ``action:handler``, as they were posted; the store holds lists."""
        found = {}
        for event in self.history.events:
            if event.key.startswith(keys.JOBS) and f":port:{PORT}:2:" in event.key and event.value:
                handler, job, count = json.loads(event.value)
                assert (handler, count) == (job["handler"], 0)
                assert event.key == keys.job(job["id"])
                found[f"{job['action']}:{handler}"] = job
        return found


@pytest.fixture
def seed(
    store: Store,
    catalog: Catalog,
    history: History,
    conductor: Conductor,
    collector: Collector,
) -> Seed:
    """Version 1 is done, then version 2 is wanted, as gohan does it, and done."""
    deployment = load_deployment(FLOWS / "deployments" / "internet_gateway", catalog)
    applier = Applier(store, catalog, deployment)
    for wanted in applier.apply_step(0).written:
        history.until(keys.state(catalog.path(wanted.wanted.resource)), bool)
    since = history.until(keys.state(PATH), lambda d: d["version"] == 1)
    applier.apply_step(1)
    history.until(keys.monitoring(PATH), lambda d: d is not None and d["version"] == 2)
    history.until(keys.state(PATH), lambda d: d["version"] == 2)
    return Seed(history, since)


def test_the_seed(seed: Seed, store: Store, cloud: World) -> None:
    first_config_then_jobs(seed)
    the_deleting_half_is_of_the_old_configuration(seed)
    the_modify_reads_what_the_seed_shows(seed)
    the_creating_half_is_of_the_new_configuration(seed)
    stack_and_job_state_grow(seed)
    state_and_monitoring_tell_the_result(seed)
    nothing_of_the_work_is_left(seed, store)
    one_stack_was_made_and_updated(cloud)


def first_config_then_jobs(seed: Seed) -> None:
    """(1) the configuration, (2) three jobs in their order."""
    [config] = seed.of(keys.config(PATH))
    assert (config["version"], config["marked_for_deletion"]) == (2, False)
    assert config["body"]["attached"] is True
    assert config["body"]["ese_logical_port_id"]

    jobs = seed.jobs()
    assert len(jobs) == 3
    delete, modify, create = (
        jobs["delete:monitoring_worker"],
        jobs["modify:heat_worker"],
        jobs["create:monitoring_worker"],
    )
    for job in (delete, modify, create):
        assert job["job_name"] == f"port:{PORT}:2"
        assert (job["resource_type"], job["resource_id"], job["version"]) == ("port", PORT, 2)
        assert job["resource_input"] == config["body"]
        assert set(job) == MEMBERS
    assert [(j["is_first"], j["is_last"]) for j in (delete, modify, create)] == [
        (True, False),
        (False, False),
        (False, True),
    ]
    assert [j["on_failure"] for j in (delete, modify, create)] == ["ignore", "fail", "fail"]
    assert delete["dependency"] == []
    assert modify["dependency"] == [delete["id"]]
    assert sorted(create["dependency"]) == sorted([delete["id"], modify["id"]])


def params_of(job: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    return {entry["param"]: (entry["type"], entry["value"]) for entry in job["params"]}


def the_deleting_half_is_of_the_old_configuration(seed: Seed) -> None:
    job = seed.jobs()["delete:monitoring_worker"]
    assert params_of(job) == {
        "device_owner": ("value", "network:gw_interface"),
        "attached": ("value", False),
        "vmi_fq_name": ("output_key", output("port", PORT, "fq_name")),
        "vmi_uuid": ("output_key", output("port", PORT, "id")),
    }
    assert all(entry["resources"] == [] for entry in job["params"])
    assert job["resource_input"]["attached"] is True


def the_modify_reads_what_the_seed_shows(seed: Seed) -> None:
    job = seed.jobs()["modify:heat_worker"]
    params = params_of(job)
    subnets = params.pop("jinja_subnets")
    assert params == {
        "virtual_network": ("output_key", output("network", NETWORK, "id")),
        "virtual_machine": ("value", INTERFACE),
        "name": ("value", PORT),
        "uuid": ("value", PORT),
        "admin_state_up": ("value", True),
        "virtual_machine_interface_allowed_address_pairs": ("value", []),
        "virtual_machine_interface_mac_address": ("value", "02:00:00:14:00:03"),
        "device_owner": ("value", "network:gw_interface"),
        "jinja_force_dependency_gw_interface": ("value", INTERFACE),
        "jinja_force_dependency_cfg": ("value", None),
        "jinja_fixed_ips": ("value", [{"ip_address": "10.20.0.3", "subnet_id": SUBNET}]),
    }
    assert subnets[0] == "list"
    [element] = subnets[1]
    assert (element["type"], element["value"]) == ("output_key", output("subnet", SUBNET, "id"))

    # each reference twice: once of version 2, once of version 1 evaluated again
    resources = {e["param"]: e["resources"] for e in job["params"] if e["resources"]}
    assert resources == {
        "virtual_network": [ref("network", NETWORK)] * 2,
        "jinja_force_dependency_gw_interface": [ref("gw_interface", INTERFACE)] * 2,
        "jinja_subnets": [ref("subnet", SUBNET)] * 2,
    }


def the_creating_half_is_of_the_new_configuration(seed: Seed) -> None:
    params = params_of(seed.jobs()["create:monitoring_worker"])
    assert params["attached"] == ("value", True)
    assert params["vmi_fq_name"] == ("output_key", output("port", PORT, "fq_name"))


def stack_and_job_state_grow(seed: Seed) -> None:
    """(3) the stack, (4) and (5) job_state before and after the last job."""
    [stack] = seed.of(keys.heat_stack(PATH))
    assert stack["stack_status"] == "UPDATE_COMPLETE"
    assert stack["status_reason"] in (
        "Stack successfully updated",  # as recorded
        "Stack UPDATE completed successfully",  # of the Heat of today
    )
    assert (stack["id"], stack["stack_id"], stack["tenant_id"]) == (
        f"port:{PORT}",
        f"port_{PORT}",
        TENANT,
    )
    assert outputs_of(stack["output"]) == OUTPUTS
    assert all(entry["description"] for entry in stack["output"])

    empty, fourth, fifth, removed = seed.of(keys.job_state(PATH))
    assert empty == {}
    assert fourth == {"heat_outputs": stack["output"]}
    assert fifth == {"heat_outputs": stack["output"], "state_monitoring": {"vmi": "ACTIVE"}}
    assert removed is None


def state_and_monitoring_tell_the_result(seed: Seed) -> None:
    """(6) the state with its JSON texts, (7) the live status."""
    [state] = seed.of(keys.state(PATH))
    assert (state["version"], state["error"]) == (2, "")
    assert sorted(state["state"]) == ["heat_outputs", "state_monitoring", "worker_state"]
    assert state["state"]["worker_state"] == "CREATE_COMPLETED"  # the last job's action
    assert outputs_of(json.loads(state["state"]["heat_outputs"])) == OUTPUTS
    assert json.loads(state["state"]["state_monitoring"]) == {"vmi": "ACTIVE"}

    assert seed.history.of(keys.monitoring(PATH))[-1] == {"version": 2, "vmi": "UP"}


def nothing_of_the_work_is_left(seed: Seed, store: Store) -> None:
    left = [item.key for item in store.range(keys.JOBS).items if PORT in item.key]
    assert left == []
    assert store.get(keys.job_state(PATH)) is None
    assert store.get(keys.claim(f"port:{PORT}:2")) is None

    ended = [
        event.mod_revision
        for event in seed.history.events
        if event.key in (keys.state(PATH), *(keys.job(j["id"]) for j in seed.jobs().values()))
        and event.mod_revision > seed.since
    ]
    assert ended[-4:] == [ended[-1]] * 4, "state and the removal of the jobs are one revision"


def one_stack_was_made_and_updated(cloud: World) -> None:
    calls = cloud.journal.entries(stack=f"port_{PORT}")
    assert sum(entry.method == "POST" for entry in calls) == 1
    assert sum(entry.method == "PUT" and entry.status == 202 for entry in calls) == 1
    assert not any(entry.method == "DELETE" for entry in calls)
