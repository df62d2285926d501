"""Outputs of the network types, as the recorded backend gave them and as a real one would."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from esi_flows.sandbox.cloud import Cloud

NETWORK = """
resources:
  n:
    type: OS::Contrail::VirtualNetwork
    properties: {uuid: 6a3ca2d1, name: net, route_targets: [], shared: false}
outputs:
  id: {value: {get_resource: n}}
  name: {value: {get_attr: [n, name]}}
  fq_name: {value: {get_attr: [n, fq_name]}}
  route_targets: {value: {get_attr: [n, route_targets]}}
"""
SUBNET = """
parameters:
  gateway: {type: string, default: 0.0.0.0}
resources:
  s:
    type: OS::Contrail::VnSubnet
    properties:
      name: sub
      network_id: 6a3ca2d1
      ip_prefix: 10.0.0.0/24
      default_gateway: {get_param: gateway}
outputs:
  id: {value: {get_resource: s}}
  network_id: {value: {get_attr: [s, network_id]}}
  ip_prefix: {value: {get_attr: [s, ip_prefix]}}
  default_gateway: {value: {get_attr: [s, default_gateway]}}
"""
PORT = """
resources:
  p:
    type: OS::Contrail::VirtualMachineInterface
    properties:
      uuid: 9c1b
      name: port
      virtual_networks: [6a3ca2d1]
      virtual_machine_interface_mac_addresses: ["fa:16:3e:00:00:01"]
      virtual_machine_interface_allowed_address_pairs: []
  ip_0:
    type: OS::Contrail::InstanceIp
    properties:
      network_id: 6a3ca2d1
      ip_address: 10.0.0.4
      virtual_machine_interfaces: [{get_resource: p}]
outputs:
  id: {value: {get_resource: p}}
  fq_name: {value: {get_attr: [p, fq_name]}}
  virtual_network: {value: {get_attr: [p, virtual_networks]}}
  mac_address: {value: {get_attr: [p, virtual_machine_interface_mac_addresses]}}
  allowed_address_pairs:
    value: {get_attr: [p, virtual_machine_interface_allowed_address_pairs]}
"""
DEVICE = """
resources:
  d:
    type: OS::Contrail::ExistingResource
    properties:
      fq_name: [default-global-system-config, leaf1]
      resource_type: physical_router
outputs:
  id: {value: {get_resource: d}}
  name: {value: {get_attr: [d, name]}}
  fq_name: {value: {get_attr: [d, fq_name]}}
"""
PHYSICAL_PORT = """
resources:
  i:
    type: OS::Contrail::PhysicalInterface
    properties: {name: xe-0/0/1, physical_router: leaf1}
outputs:
  id: {value: {get_resource: i}}
  name: {value: {get_attr: [i, name]}}
"""


def test_a_network_as_recorded(stacks: Any) -> None:
    stacks.create(NETWORK)
    assert stacks.outputs() == {
        "id": "6a3ca2d1",
        "name": "net",
        "fq_name": "default-domain:admin:6a3ca2d1",
        "route_targets": "[]",
    }


def test_a_subnet_has_a_random_id_and_the_templates_default_gateway(stacks: Any) -> None:
    stacks.create(SUBNET, parameters={"gateway": None})
    outputs = stacks.outputs()
    assert str(uuid.UUID(outputs.pop("id"))) != "6a3ca2d1"
    assert outputs == {
        "network_id": "6a3ca2d1",
        "ip_prefix": "10.0.0.0/24",
        "default_gateway": "0.0.0.0",
    }


def test_the_random_id_outlives_an_update(stacks: Any) -> None:
    stacks.create(SUBNET)
    before = stacks.outputs()["id"]
    stacks.update(SUBNET, parameters={"gateway": "10.0.0.1"})
    assert stacks.outputs()["id"] == before
    assert stacks.outputs()["default_gateway"] == "10.0.0.1"


def test_a_port_as_recorded(stacks: Any) -> None:
    stacks.create(PORT)
    outputs = stacks.outputs()
    assert isinstance(outputs.pop("virtual_network"), str)
    assert outputs == {
        "id": "9c1b",
        "fq_name": "default-domain:admin:9c1b",
        "mac_address": "xx:xx:xx:xx:xx:xx",
        "allowed_address_pairs": "null",
    }


def test_an_existing_device_as_recorded(stacks: Any) -> None:
    stacks.create(DEVICE)
    assert stacks.outputs() == {
        "id": "physical_router",
        "name": "dummy",
        "fq_name": ["default-global-system-config", "leaf1"],
    }


def test_an_interface_has_no_name_but_an_error_as_recorded(stacks: Any) -> None:
    stacks.create(PHYSICAL_PORT)
    assert stacks.state()[0] == "CREATE_COMPLETE"
    found = {o["output_key"]: o for o in stacks.heat.stacks.get("s").outputs}
    assert found["name"]["output_value"] is None
    assert found["name"]["output_error"]
    assert isinstance(found["id"]["output_value"], str)


def test_real_names_are_those_of_the_properties(
    tmp_path: Path, clock: Any, connect: Callable[..., Any]
) -> None:
    with Cloud(tmp_path, real_names=True, clock=clock) as cloud:
        heat = connect(to=cloud, project_id="tenant")
        found: dict[str, Any] = {}
        for name, template in (("n", NETWORK), ("p", PORT), ("i", PHYSICAL_PORT), ("d", DEVICE)):
            heat.stacks.create(
                stack_name=name, template="heat_template_version: 2013-05-23\n" + template
            )
            clock.advance(600)
            outputs = heat.stacks.get(name).outputs
            found |= {f"{name}.{o['output_key']}": o["output_value"] for o in outputs}
    assert found["n.fq_name"] == "default-domain:tenant:6a3ca2d1"
    assert found["n.route_targets"] == []
    assert found["p.virtual_network"] == ["6a3ca2d1"]
    assert found["p.mac_address"] == ["fa:16:3e:00:00:01"]
    assert found["p.allowed_address_pairs"] == {"allowed_address_pair": []}
    assert found["i.name"] == "xe-0/0/1"
    assert found["d.name"] == "leaf1"
