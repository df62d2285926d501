"""How long the engine takes: the recorded medians, in seconds, by kind of stack.

Deletion was recorded for ports only; for the others it takes as long as creation (configuration
has to be taken off the devices again).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from esi_flows.sandbox.stacks.model import Action


@dataclass(frozen=True, slots=True)
class Seconds:
    """Engine seconds of one kind. None: as long as creation."""

    create: float
    update: float | None = None
    delete: float | None = None

    def of(self, action: Action) -> float:
        """Seconds of one action."""
        chosen = {Action.UPDATE: self.update, Action.DELETE: self.delete}.get(action)
        return self.create if chosen is None else chosen


RECORDED: Mapping[str, Seconds] = {
    "network": Seconds(1.1),
    "subnet": Seconds(1.1),
    "ese_device": Seconds(1.1),
    "ese_physical_port": Seconds(1.1),
    "ese_logical_port": Seconds(1.1),
    "edge_router": Seconds(1.2),
    "er_physical_interface": Seconds(1.1),
    "port": Seconds(2.3, update=8.2, delete=4.3),
    "public_ip": Seconds(6.9),
    "vpn_interface": Seconds(15.2),
    "internet_gateway": Seconds(15.4),
    "vpn_gateway": Seconds(15.9, update=4.2),
    "static_route": Seconds(15.7),
    "gw_interface": Seconds(16.6),
    "common_function_gateway": Seconds(18.3),
    "firewall": Seconds(3.4, update=10.6),
    "firewall_interface": Seconds(3.5),
    "load_balancer": Seconds(2.5, update=5.5),
    "load_balancer_interface": Seconds(2.5, update=5.5),
    "vnf_instance": Seconds(289.0, update=122.0),
}

_BY_RESOURCE_TYPE: Mapping[str, Seconds] = {
    "ESI::VNF::Instance": RECORDED["vnf_instance"],
    "OS::Contrail::NetconfNamedConfigs": Seconds(15.5),
    "ESI::VNF::VyattaConfig": RECORDED["firewall"],
    "ESI::VNF::NetscalerConfig": RECORDED["load_balancer"],
    "ESI::VNF::NetscalerSyslogServer": RECORDED["load_balancer"],
    "OS::Contrail::VirtualMachineInterface": RECORDED["port"],
    "OS::Contrail::VirtualNetwork": RECORDED["network"],
    "OS::Contrail::VnSubnet": RECORDED["subnet"],
    "OS::Contrail::LogicalInterface": RECORDED["ese_logical_port"],
    "OS::Contrail::PhysicalInterface": RECORDED["ese_physical_port"],
    "OS::Contrail::PhysicalRouter": RECORDED["ese_device"],
    "OS::Contrail::ExistingResource": RECORDED["ese_device"],
    "OS::Contrail::Subnet": RECORDED["subnet"],
    "ESI::Monitoring::MonitoringTarget": RECORDED["edge_router"],
}

_OTHER = Seconds(0.2)
"""What a real Heat takes for a stack of a few resources without a cloud behind them."""


def engine_seconds(stack_name: str, resource_types: Iterable[str], action: Action) -> float:
    """Unscaled seconds for an action on a stack.

    A stack named ``<type>_<id>`` takes what its type took when it was recorded, any other what
    the slowest of its resource types took.
    """
    kind = stack_name.rpartition("_")[0]
    if kind in RECORDED:
        return RECORDED[kind].of(action)
    known = [_BY_RESOURCE_TYPE[t].of(action) for t in resource_types if t in _BY_RESOURCE_TYPE]
    return max(known, default=_OTHER.of(action))
