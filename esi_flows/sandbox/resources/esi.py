"""``ESI::*``: virtual appliances and monitoring targets."""

from __future__ import annotations

from esi_flows.sandbox.resources.types import Kind, Property, ResourceType

_ANY = Property()
_TEXT = Property(Kind.STRING)

_LOGINS = {
    f"{who}_{what}": _TEXT
    for who in ("admin", "user", "other")
    for what in ("username", "password")
}

INSTANCE = ResourceType(
    name="ESI::VNF::Instance",
    description="A server that runs an appliance.",
    properties={
        "name": Property(Kind.STRING, required=True),
        "image": Property(Kind.STRING, required=True, replaces=True),
        "flavor": Property(Kind.STRING, required=True),
        "availability_zone": Property(Kind.STRING, replaces=True),
        "config_drive": _ANY,
        "networks": _ANY,
        "reboot": _ANY,
        "user_data": _ANY,
        "user_data_format": _TEXT,
    },
)

VYATTA_CONFIG = ResourceType(
    name="ESI::VNF::VyattaConfig",
    description="Configuration of a firewall appliance.",
    properties={
        "management_ip": Property(Kind.STRING, required=True),
        "default_gateway": _ANY,
        "networks": _ANY,
        "credentials": _ANY,
        **_LOGINS,
    },
)

NETSCALER_CONFIG = ResourceType(
    name="ESI::VNF::NetscalerConfig",
    description="Configuration of a load balancer appliance.",
    properties={
        "management_ip": Property(Kind.STRING, required=True),
        **dict.fromkeys(
            (
                "management_gateway",
                "default_gateway",
                "internet_port",
                "server_id",
                "model",
                "license_code",
                "init_config",
                "networks",
                "credentials",
            ),
            _ANY,
        ),
        **_LOGINS,
    },
)

NETSCALER_SYSLOG_SERVER = ResourceType(
    name="ESI::VNF::NetscalerSyslogServer",
    description="A syslog server of a load balancer appliance.",
    properties={
        "name": Property(Kind.STRING, required=True),
        "management_ip": Property(Kind.STRING, required=True),
        "ip_address": Property(Kind.STRING, required=True),
        **dict.fromkeys(
            (
                "port_number",
                "transport_type",
                "priority",
                "log_level",
                "log_facility",
                "date_format",
                "time_zone",
                "tcp_logging",
                "acl_logging",
                "appflow_logging",
                "user_configurable_log_messages",
                "vserver_ip_address",
                "comment",
                "init_config",
                "credentials",
            ),
            _ANY,
        ),
    },
)

MONITORING_TARGET = ResourceType(
    name="ESI::Monitoring::MonitoringTarget",
    description="Something that is to be monitored.",
    properties={
        "type": Property(Kind.STRING, required=True, replaces=True),
        "resource_type": Property(Kind.STRING, required=True, replaces=True),
        "resource_id": Property(Kind.STRING, required=True, replaces=True),
        "tenant_id": _TEXT,
        # every version of a resource has a target of its own, as recorded
        "version": Property(Kind.ANY, replaces=True),
        "field_name": _TEXT,
        "properties": _ANY,
        "syncer_properties": _ANY,
    },
    attributes={"link": lambda made: f"http://collector:7070/targets/{made.physical_id}"},
)

TYPES = (
    INSTANCE,
    VYATTA_CONFIG,
    NETSCALER_CONFIG,
    NETSCALER_SYSLOG_SERVER,
    MONITORING_TARGET,
)
