"""Every template, held to what it says and to what others rely on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jinja2
import jinja2.meta
import pytest
import yaml

from esi_flows.catalog.types import HEAT_WORKER, MONITORING_WORKER, Catalog, Template
from esi_flows.compiler.templates import render_heat, render_monitoring
from esi_flows.model.secrets import Names
from tests.flows.building import Builder, Built

OUTPUTS = {
    "network": {"id", "name", "fq_name", "route_targets"},
    "subnet": {"id", "name", "network_id", "ip_prefix", "default_gateway", "ipam"},
    "port": {"id", "fq_name", "mac_address", "allowed_address_pairs", "virtual_network"},
    "ese_device_existing": {"id", "name", "fq_name"},
    "ese_device_new": {
        "id",
        "name",
        "fq_name",
        "vendor_name",
        "product_name",
        "management_ip",
        "dataplane_ip",
        "vnc_managed",
        "virtual_routers",
        "physical_interfaces",
        "logical_interfaces",
    },
    "ese_physical_port_existing": {"id", "name"},
    "ese_physical_port_new": {"id", "name"},
    "ese_logical_port": {"id", "name"},
    "internet_gateway": set(),
    "public_ip": set(),
    "gw_interface_internet": set(),
    "static_route_internet": set(),
}
"""Outputs by heat template: other templates and gohan read them by these names."""

_VRRP = {"host", "port", "login", "password", "interface", "vrid"}
_COUNTER = {
    "in_firewall_name",
    "out_firewall_name",
    "counter_name_in_primary",
    "counter_name_out_primary",
    "counter_name_in_secondary",
    "counter_name_out_secondary",
    "server_username",
    "server_password",
    "server_ssh_port",
    "primary_server_ip",
    "secondary_server_ip",
}
_READER = {"etcd_type", "etcd_id"}

ENTRIES: dict[str, dict[str, tuple[str, set[str]]]] = {
    "network_monitoring": {"network": ("virtual_network", {"uuid", "fq_name"})},
    "port_monitoring": {"vmi": ("virtual_machine_interface", {"uuid", "fq_name"})},
    "ese_device_monitoring": {"switch": ("switch", {"ip", "community_name", "mibs"})},
    "ese_physical_port_monitoring": {
        "port": ("physical_port", {"community_name", "device_ip", "name"})
    },
    "ese_logical_port_monitoring": {
        "logical_port": ("logical_port", {"community_name", "device_ip", "name"})
    },
    "edge_router_monitoring": {"router": ("router", {"ip", "community_name", "mibs"})},
    "er_physical_interface_monitoring": {
        "interface": ("physical_port", {"community_name", "device_ip", "name"})
    },
    "ha_router_monitoring": {
        "primary": ("etcd_reader", _READER),
        "secondary": ("etcd_reader", _READER),
    },
    "ha_interface_monitoring": {
        "primary": ("etcd_reader", _READER),
        "secondary": ("etcd_reader", _READER),
    },
    "internet_gateway_monitoring": {
        "uplink": ("etcd_reader", _READER),
        "downlink": ("etcd_reader", _READER),
        "counter_primary": ("kafka_messenger", _COUNTER),
    },
    "gw_interface_monitoring": {
        "primary": ("vrrp_session", _VRRP),
        "secondary": ("vrrp_session", _VRRP),
    },
}
"""Entries by monitoring template: names are members of /monitoring, fields go to the collector."""

_NOT_READ = re.compile(r"# not read by the template: (\w+) - \S")


def heat_templates(catalog: Catalog) -> Iterator[Template]:
    return (t for t in catalog.templates.values() if t.handler == HEAT_WORKER)


def rendered(job: Built) -> Any:
    assert job.request is not None
    return yaml.safe_load(job.request.template)


def test_every_template_is_in_a_table_here(catalog: Catalog) -> None:
    assert {t.id for t in heat_templates(catalog)} == OUTPUTS.keys()
    others = catalog.templates.keys() - OUTPUTS.keys()
    assert others == ENTRIES.keys()
    assert {catalog.templates[t].handler for t in others} == {MONITORING_WORKER}


def test_the_example_deployments_use_every_template(
    catalog: Catalog, built: Sequence[Built]
) -> None:
    assert {job.template.id for job in built} == catalog.templates.keys()


@pytest.mark.parametrize("template_id", OUTPUTS)
def test_stacks_are_made_with_the_expected_outputs(
    template_id: str, built: Sequence[Built]
) -> None:
    jobs = [job for job in built if job.template.id == template_id]
    assert jobs
    for job in jobs:
        assert job.stack is not None
        assert job.stack.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        assert job.outputs.keys() == OUTPUTS[template_id]


@pytest.mark.parametrize("template_id", ENTRIES)
def test_monitoring_has_the_expected_entries(template_id: str, built: Sequence[Built]) -> None:
    jobs = [job for job in built if job.template.id == template_id]
    found = [
        {entry.name: (entry.type, entry.properties.keys()) for entry in job.monitoring.entries}
        for job in jobs
        if job.monitoring is not None
    ]
    assert ENTRIES[template_id] in found
    # a port that nothing is attached to is not watched; nothing else may be left out
    assert all(f == ENTRIES[template_id] or (not f and "port" in template_id) for f in found)


def test_parameters_sent_to_heat_are_declared(built: Sequence[Built]) -> None:
    for job in built:
        if job.request is not None:
            declared = rendered(job)["parameters"]
            assert job.request.parameters.keys() <= declared.keys(), job.name
            left_out = declared.keys() - job.request.parameters.keys()
            assert not [p for p in left_out if "default" not in declared[p]], job.name


def test_parameters_that_may_be_null_have_a_default(built: Sequence[Built]) -> None:
    nulls = [
        (rendered(job)["parameters"][name], name)
        for job in built
        if job.request is not None
        for name, value in job.request.parameters.items()
        if value is None
    ]
    assert nulls  # a port without MAC address, for one
    assert not [name for declared, name in nulls if "default" not in declared]


def test_every_parameter_is_used_or_said_to_be_for_ordering_only(
    flows: Path, built: Sequence[Built]
) -> None:
    for job in built:
        template = job.template
        # Jinja finds out which names a text uses, if it knows all filters in it
        known = template.template_file.replace("| match(", "| default(")
        in_text = jinja2.meta.find_undeclared_variables(jinja2.Environment().parse(known))
        used = set(in_text)
        if job.request is not None:
            hot = rendered(job)
            used |= set(_got({"resources": hot["resources"], "outputs": hot.get("outputs")}))
        mapped = template.parameter_mappings.keys() - {"heat_timeout"}
        head = flows / "resources" / job.job.resource_type / f"{template.id}.template.yaml"
        explained = set(_NOT_READ.findall(head.read_text()))
        assert mapped - used == explained, template.id


def test_passwords_are_hidden_in_heat(built: Sequence[Built], builder: Builder) -> None:
    sounding = Names()
    hidden = 0
    for job in built:
        if job.request is not None:
            for name, declared in rendered(job)["parameters"].items():
                assert bool(declared.get("hidden")) == (name in sounding), f"{job.name}: {name}"
                hidden += bool(declared.get("hidden"))
    assert hidden


def test_every_heat_parameter_and_output_is_described(built: Sequence[Built]) -> None:
    for job in built:
        if job.request is not None:
            hot = rendered(job)
            assert hot["description"].endswith(".")
            for section in ("parameters", "outputs"):
                for name, declared in hot.get(section, {}).items():
                    assert declared["description"].endswith("."), f"{job.name}: {name}"


def test_watched_values_cannot_break_out_of_their_place(catalog: Catalog) -> None:
    hostile = "x: y\n- z # \"'{{ 1 }}\u2028\tend"
    for template_id, entries in ENTRIES.items():
        template = catalog.templates[template_id]
        values: dict[str, Any] = dict.fromkeys(template.parameter_mappings, hostile)
        values.update({"port_ids": [hostile]} if "port_ids" in values else {})
        request = render_monitoring(template, values)
        assert {entry.name for entry in request.entries} == entries.keys()
        for entry in request.entries:
            filled = entry.properties.keys() - {"mibs", "etcd_type"}
            assert filled
            # counters are named by a value with an ending, never by less than the value
            assert all(hostile in entry.properties[name] for name in filled), template_id


def test_addresses_of_a_port_cannot_break_out_of_their_place(catalog: Catalog) -> None:
    hostile = 'x: y\n      - z"'
    values: dict[str, Any] = dict.fromkeys(catalog.templates["port"].parameter_mappings)
    values["jinja_fixed_ips"] = [{"ip_address": hostile, "subnet_id": hostile}]
    values["jinja_subnets"] = [hostile]
    hot = yaml.safe_load(render_heat(catalog.templates["port"], values).template)
    properties = hot["resources"]["instance_ip_0"]["properties"]
    assert properties["ip_address"] == properties["subnet_id"] == hostile


def test_configuration_that_a_service_adds_goes_into_the_routing_instance_as_it_is(
    catalog: Catalog,
) -> None:
    further = "protocols {\n    bgp;\n}\noutputs: {}"
    template = catalog.templates["internet_gateway"]
    values = {**dict.fromkeys(template.parameter_mappings, "x"), "heat_timeout": 1}
    values["jinja_vrf_config"] = further
    hot = yaml.safe_load(render_heat(template, values).template)
    assert "outputs" not in hot
    configs = hot["resources"]["netconf_configure_primary"]["properties"]["configs"]
    instance = configs[1]["config"]["str_replace"]
    assert instance["params"]["$FURTHER"] == further
    assert instance["template"].endswith("$FURTHER\n")


def test_a_logical_port_maps_metrics_of_each_of_its_ports(catalog: Catalog) -> None:
    template = catalog.templates["ese_logical_port_monitoring"]
    values: dict[str, Any] = dict.fromkeys(template.parameter_mappings, "x")
    values["port_ids"] = ["p1", "p2"]
    mappings = render_monitoring(template, values).db_mappings
    assert [mapping["resource_id"] for mapping in mappings] == ["p1", "p2"]


def test_only_ports_of_virtual_machines_map_their_metrics(built: Sequence[Built]) -> None:
    mapped = {
        str(job.values["device_owner"])
        for job in built
        if job.monitoring is not None and job.template.id == "port_monitoring"
        if job.monitoring.db_mappings
    }
    assert mapped == {"compute:zone1"}


def _got(snippet: Any) -> Iterator[str]:
    """Names of the parameters that a part of a HOT template gets."""
    if isinstance(snippet, dict):
        if isinstance(snippet.get("get_param"), str):
            yield snippet["get_param"]
        for value in snippet.values():
            yield from _got(value)
    elif isinstance(snippet, list):
        for value in snippet:
            yield from _got(value)
