"""What a rendered monitoring template says: YAML sections, one per thing to monitor."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from esi_flows.model.codec import JsonObject
from esi_flows.model.errors import TemplateError

DB_MAPPINGS = "db_mappings"

TOPICS: Mapping[str, str] = {
    "switch": "monitor_snmp_device",
    "router": "monitor_snmp_device",
    "physical_port": "monitor_physical_port",
    "logical_port": "monitor_logical_port",
    "virtual_network": "monitor_virtual_network",
    "virtual_machine_interface": "monitor_virtual_machine_interface",
    "vrrp_session": "monitor_igs_interface",
    "bgp_session": "monitor_vpn_interface",
    "nova_vm": "monitor_nova_vm",
    "tcp": "monitor_tcp",
    "http": "monitor_http",
}
"""The topic that things of a type are announced on, as recorded; the last two are ours."""

MESSENGER = "kafka_messenger"
"""A section that names its topic itself, and whose status is not reported."""

READER = "etcd_reader"
"""A section that only reports the status of another resource: nothing is sent."""

_SECONDS = ("interval_seconds", "timeout_seconds")

_CONTROL = (
    *("type", "timeout", "time_between_retries", "wanted_status", "kafka_topic"),
    *_SECONDS,
    "hold_options",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonitoringEntry:
    """One thing to monitor. ``topic`` is "" where nothing is to be sent."""

    name: str
    type: str
    topic: str
    properties: JsonObject
    wanted_status: str = ""
    interval_seconds: float = 0.0
    timeout_seconds: float = 0.0
    """How the collector is to ask; 0: in its own way."""
    hold_options: JsonObject = field(default_factory=dict)
    """Which statuses show at once, and how long others must last; in the recorded form."""

    @property
    def reported_status(self) -> str | None:
        """The status that the resource's state tells for it, or None where it tells none."""
        if self.type == MESSENGER:
            return None
        return self.wanted_status or ("ESTABLISHED" if self.type == "bgp_session" else "ACTIVE")


@dataclass(frozen=True, slots=True)
class MonitoringRequest:
    """All entries in the order of the template, and what it says for the mapping database."""

    entries: tuple[MonitoringEntry, ...]
    db_mappings: tuple[JsonObject, ...] = ()


def read_targets(template_id: str, text: str) -> MonitoringRequest:
    """The sections of a rendered monitoring template. Raises TemplateError."""
    sections, mappings = _sections(template_id, text)
    entries = tuple(_entry(template_id, name, section) for name, section in sections.items())
    return MonitoringRequest(entries, mappings)


def target_errors(template_id: str, text: str) -> Iterator[TemplateError]:
    """Everything for which :func:`read_targets` refuses a text, not just the first."""
    try:
        sections, _ = _sections(template_id, text)
    except TemplateError as error:
        yield error
        return
    for name, section in sections.items():
        try:
            _entry(template_id, name, section)
        except TemplateError as error:
            yield error


def _sections(template_id: str, text: str) -> tuple[dict[Any, Any], tuple[JsonObject, ...]]:
    try:
        sections = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader with less
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise TemplateError(f"template {template_id} renders to no YAML: {error}") from error
    if sections is None:
        return {}, ()
    if not isinstance(sections, dict):
        raise _wrong(template_id, "renders to no sections", "name: {type: ...}")
    mappings = sections.pop(DB_MAPPINGS, None) or []
    if not isinstance(mappings, list) or not all(_is_json_object(m) for m in mappings):
        raise _wrong(template_id, f"{DB_MAPPINGS} is no list of objects", "leave it out, or - ...")
    return sections, tuple(mappings)


def _entry(template_id: str, name: Any, section: Any) -> MonitoringEntry:
    what = f"section {name!r}"
    if not isinstance(name, str) or not _is_json_object(section):
        raise _wrong(template_id, f"{what} is no section", "name: {type: ..., ...}")
    kind = section.get("type")
    if kind == MESSENGER:
        topic = section.get("kafka_topic")
    else:
        topic = "" if kind == READER else TOPICS.get(str(kind))
    if not isinstance(kind, str) or not isinstance(topic, str):
        known = ", ".join([*TOPICS, READER, f"{MESSENGER} (with kafka_topic)"])
        raise _wrong(template_id, f"{what} has the unknown type {kind!r}", known)
    return MonitoringEntry(
        name=name,
        type=kind,
        topic=topic,
        properties={key: value for key, value in section.items() if key not in _CONTROL},
        wanted_status=str(section.get("wanted_status") or ""),
        hold_options=_hold_options(template_id, what, section),
        **{member: _seconds(template_id, what, section, member) for member in _SECONDS},
    )


def _seconds(template_id: str, what: str, section: JsonObject, member: str) -> float:
    seconds = section.get(member, 0)
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not 0 <= seconds < math.inf:
        raise _wrong(template_id, f"{what} has {member} {seconds!r}", "a number, 0 or more")
    return float(seconds)


def _hold_options(template_id: str, what: str, section: JsonObject) -> JsonObject:
    options = section.get("hold_options", {})
    if not isinstance(options, dict):
        raise _wrong(template_id, f"{what} has hold_options {options!r}", "an object")
    return options


def message(
    entry: MonitoringEntry,
    *,
    action: str,
    plural: str,
    resource_id: str,
    tenant_id: str,
    version: int,
) -> dict[str, Any]:
    """The message that announces an entry on its topic, as recorded."""
    return {
        "gohan_resource_type": plural,
        "gohan_id": resource_id,
        "name": entry.name,
        "tenant_id": tenant_id,
        "version": version,
        "action": action,
        "properties": dict(entry.properties),
    }


class _Loader(yaml.SafeLoader):
    """Plain YAML: dates stay texts, and no aliases, which could grow without end."""

    yaml_implicit_resolvers = {  # noqa: RUF012 - as the base class has it
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not allowed")
        return super().compose_node(parent, index)


def _is_json_object(value: Any) -> bool:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        return False
    try:
        json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _wrong(template_id: str, what: str, allowed: str) -> TemplateError:
    return TemplateError(f"template {template_id}: {what}", hint=f"allowed: {allowed}")
