"""How long things take."""

from __future__ import annotations

import pytest

from esi_flows.sandbox.stacks.model import Action
from esi_flows.sandbox.timings import engine_seconds

NETCONF = "OS::Contrail::NetconfNamedConfigs"


@pytest.mark.parametrize(
    ("name", "types", "action", "seconds"),
    [
        ("network_0b1c", [], Action.CREATE, 1.1),
        ("port_0b1c", [], Action.CREATE, 2.3),
        ("port_0b1c", [], Action.UPDATE, 8.2),
        ("port_0b1c", [], Action.DELETE, 4.3),
        ("gw_interface_0b1c", [], Action.CREATE, 16.6),
        ("vpn_gateway_0b1c", [], Action.UPDATE, 4.2),
        ("vnf_instance_0b1c", [], Action.CREATE, 289.0),
        ("gw_interface_0b1c", [], Action.DELETE, 16.6),
        ("mine", [NETCONF, "OS::Contrail::VirtualNetwork"], Action.CREATE, 15.5),
        ("mine", ["OS::Contrail::VirtualNetwork"], Action.CREATE, 1.1),
        ("mine", ["OS::Heat::Value"], Action.CREATE, 0.2),
        ("mine", [], Action.CREATE, 0.2),
    ],
)
def test_the_name_decides_and_then_the_slowest_resource(
    name: str, types: list[str], action: Action, seconds: float
) -> None:
    assert engine_seconds(name, types, action) == seconds
