"""``OS::Contrail::*``: the overlay network's objects.

Without real names the attributes are those of the recorded backend, which was itself a stand-in:
constants where a real one has names, JSON texts where a real one has JSON, and a name attribute
that some types could not resolve.
"""

from __future__ import annotations

from typing import Any

from esi_flows.sandbox.resources.types import (
    Give,
    Kind,
    Made,
    Property,
    ResourceType,
    Unresolvable,
    of_property,
)

_ANY = Property()
_TEXT = Property(Kind.STRING)
_FLAG = Property(Kind.BOOLEAN)
_LIST = Property(Kind.LIST)
_NAME = Property(Kind.STRING, required=True)
_FIXED_ID = Property(Kind.STRING, replaces=True)

_IPAM = "00000000-0000-4000-8000-00000000000a"
_NETWORK = "00000000-0000-4000-8000-00000000000b"
_LOGICAL_INTERFACE = "00000000-0000-4000-8000-00000000000c"
_PHYSICAL_INTERFACE = "00000000-0000-4000-8000-00000000000d"


def _recorded(constant: Any, real: Give) -> Give:
    return lambda made: real(made) if made.real_names else constant


def _unresolved(real: Give) -> Give:
    def give(made: Made) -> Any:
        if made.real_names:
            return real(made)
        raise Unresolvable(f"the backend does not tell the name of {made.name}")

    return give


def _colon_name(made: Made) -> str:
    owner = made.project_id if made.real_names else "admin"
    return f"default-domain:{owner}:{made.physical_id}"


def _name_list(made: Made) -> list[str]:
    return ["default-global-system-config", str(made.properties.get("name") or made.name)]


VIRTUAL_NETWORK = ResourceType(
    name="OS::Contrail::VirtualNetwork",
    description="A virtual network.",
    id_property="uuid",
    properties={
        "uuid": _FIXED_ID,
        "name": _NAME,
        "forwarding_mode": _TEXT,
        "route_targets": _ANY,
        "shared": _FLAG,
        "external": _FLAG,
        "admin_state_up": _FLAG,
    },
    attributes={
        "name": of_property("name"),
        "fq_name": _colon_name,
        "route_targets": _recorded("[]", lambda made: made.properties.get("route_targets") or []),
    },
)

VN_SUBNET = ResourceType(
    name="OS::Contrail::VnSubnet",
    description="A subnet of a virtual network.",
    properties={
        "name": _TEXT,
        "network_id": Property(Kind.STRING, required=True, replaces=True),
        "ip_prefix": Property(Kind.STRING, required=True, replaces=True),
        "default_gateway": Property(Kind.STRING, default="0.0.0.0"),
        "ipam": _TEXT,
        "enable_dhcp": _FLAG,
        "dns_server_address": _TEXT,
        "dns_nameservers": _ANY,
        "ntp_servers": _ANY,
        "host_routes": _ANY,
        "allocation_pools": _ANY,
        "gateway_is_vrouter": _FLAG,
    },
    attributes={
        "name": of_property("name"),
        "network_id": of_property("network_id"),
        "ip_prefix": of_property("ip_prefix"),
        "default_gateway": of_property("default_gateway"),
        "ipam": lambda made: made.properties.get("ipam") or _IPAM,
    },
)

VIRTUAL_MACHINE_INTERFACE = ResourceType(
    name="OS::Contrail::VirtualMachineInterface",
    description="A port of virtual networks.",
    id_property="uuid",
    properties={
        "uuid": _FIXED_ID,
        "name": _NAME,
        "virtual_machine_interface_allowed_address_pairs": _ANY,
        "virtual_machine_interface_mac_addresses": _LIST,
        "virtual_networks": Property(Kind.LIST, required=True, replaces=True),
        "virtual_machine": _TEXT,
        "device_owner": _TEXT,
        "admin_state_up": _FLAG,
        "security_groups": _ANY,
    },
    attributes={
        "name": of_property("name"),
        "fq_name": _colon_name,
        "virtual_networks": _recorded(_NETWORK, of_property("virtual_networks")),
        "virtual_machine_interface_mac_addresses": _recorded(
            "xx:xx:xx:xx:xx:xx", of_property("virtual_machine_interface_mac_addresses")
        ),
        "virtual_machine_interface_allowed_address_pairs": _recorded(
            "null",
            lambda made: {
                "allowed_address_pair": made.properties.get(
                    "virtual_machine_interface_allowed_address_pairs"
                )
                or []
            },
        ),
    },
)

INSTANCE_IP = ResourceType(
    name="OS::Contrail::InstanceIp",
    description="An address of a port.",
    properties={
        "name": _TEXT,
        "ip_address": Property(Kind.STRING, replaces=True),
        "subnet_id": Property(Kind.STRING, replaces=True),
        "network_id": Property(Kind.STRING, required=True, replaces=True),
        "virtual_machine_interfaces": _LIST,
    },
    attributes={"name": of_property("name"), "ip_address": of_property("ip_address")},
)

LOGICAL_INTERFACE = ResourceType(
    name="OS::Contrail::LogicalInterface",
    description="A logical interface of a physical interface.",
    reference=_recorded(_LOGICAL_INTERFACE, lambda made: made.physical_id),
    properties={
        "name": _NAME,
        "type": _TEXT,
        "vlan": _ANY,
        "physical_interface": Property(Kind.STRING, required=True, replaces=True),
        "virtual_machine_interfaces": _ANY,
    },
    attributes={"name": _unresolved(of_property("name"))},
)

PHYSICAL_INTERFACE = ResourceType(
    name="OS::Contrail::PhysicalInterface",
    description="A physical interface of a physical router.",
    reference=_recorded(_PHYSICAL_INTERFACE, lambda made: made.physical_id),
    properties={
        "name": _NAME,
        "physical_router": Property(Kind.STRING, required=True, replaces=True),
    },
    attributes={"name": _unresolved(of_property("name"))},
)

_ROUTER_TEXTS = ("vendor_name", "product_name", "management_ip", "dataplane_ip")

PHYSICAL_ROUTER = ResourceType(
    name="OS::Contrail::PhysicalRouter",
    description="A switch or router.",
    properties={
        "name": _NAME,
        **dict.fromkeys(_ROUTER_TEXTS, _TEXT),
        "user_credentials": _ANY,
        "virtual_routers": _ANY,
        "vnc_managed": _FLAG,
    },
    attributes={
        "name": of_property("name"),
        "fq_name": _name_list,
        **{name: of_property(name) for name in _ROUTER_TEXTS},
        "vnc_managed": of_property("vnc_managed"),
        "virtual_routers": lambda made: made.properties.get("virtual_routers") or [],
        "physical_interfaces": lambda made: [],
        "logical_interfaces": lambda made: [],
    },
)

EXISTING_RESOURCE = ResourceType(
    name="OS::Contrail::ExistingResource",
    description="Something that is there already, found by its name.",
    reference=lambda made: (
        made.physical_id if made.real_names else made.properties["resource_type"]
    ),
    properties={
        "fq_name": Property(Kind.LIST, required=True),
        "resource_type": Property(Kind.STRING, required=True, replaces=True),
    },
    attributes={
        "name": _recorded("dummy", lambda made: (made.properties["fq_name"] or [""])[-1]),
        "fq_name": of_property("fq_name"),
    },
)

SUBNET = ResourceType(
    name="OS::Contrail::Subnet",
    description="A local subnet.",
    properties={
        "name": _TEXT,
        "ip_prefix": Property(Kind.STRING, required=True, replaces=True),
        "virtual_machine_interfaces": _ANY,
    },
    attributes={"name": of_property("name")},
)

NETCONF_NAMED_CONFIGS = ResourceType(
    name="OS::Contrail::NetconfNamedConfigs",
    description="Configuration sent to a device over NETCONF.",
    properties={
        "device_ip": Property(Kind.STRING, required=True),
        "port": _ANY,
        "username": _TEXT,
        "password": _TEXT,
        "lock_timeout": _ANY,
        "on_update": _TEXT,
        "configs": Property(Kind.LIST, required=True),
    },
)

TYPES = (
    VIRTUAL_NETWORK,
    VN_SUBNET,
    VIRTUAL_MACHINE_INTERFACE,
    INSTANCE_IP,
    LOGICAL_INTERFACE,
    PHYSICAL_INTERFACE,
    PHYSICAL_ROUTER,
    EXISTING_RESOURCE,
    SUBNET,
    NETCONF_NAMED_CONFIGS,
)
