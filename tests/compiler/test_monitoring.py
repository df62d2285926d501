"""A rendered monitoring template is read as YAML sections in their order."""

from __future__ import annotations

import pytest

from esi_flows.compiler.monitoring import message, read_targets
from esi_flows.model.errors import TemplateError

TEXT = """
counters:
  type: kafka_messenger
  kafka_topic: monitor_igs_counter
  name: in
uplink: {type: etcd_reader, etcd_type: ha_interface, timeout: 120}
primary:
  type: vrrp_session
  host: 10.0.0.1
  vrid: 7
  wanted_status: master
  time_between_retries: 3
peer: {type: bgp_session, since: 2017-05-11}
db_mappings:
  - {mapped_id: a, relation: b}
"""


def test_sections_in_their_order() -> None:
    request = read_targets("t", TEXT)
    assert [(e.name, e.topic, e.reported_status) for e in request.entries] == [
        ("counters", "monitor_igs_counter", None),
        ("uplink", "", "ACTIVE"),
        ("primary", "monitor_igs_interface", "master"),
        ("peer", "monitor_vpn_interface", "ESTABLISHED"),
    ]
    assert [dict(e.properties) for e in request.entries] == [
        {"name": "in"},
        {"etcd_type": "ha_interface"},
        {"host": "10.0.0.1", "vrid": 7},
        {"since": "2017-05-11"},
    ]
    assert request.db_mappings == ({"mapped_id": "a", "relation": "b"},)


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n", "db_mappings:\n"])
def test_nothing_to_monitor(text: str) -> None:
    assert read_targets("t", text).entries == ()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("- a", "no sections"),
        ("a: b", "'a' is no section"),
        ("7: {type: switch}", "7 is no section"),
        ("a: {type: swich}", "unknown type 'swich'"),
        ("a: {}", "unknown type None"),
        ("a: {type: [switch]}", "unknown type"),
        ("a: {type: kafka_messenger}", "unknown type"),
        ("a: {type: switch, 7: x}", "'a' is no section"),
        ("a: {type: switch, x: !!binary aGk=}", "'a' is no section"),
        ("a: &x {type: switch}\nb: *x", "aliases"),
        ("a: !!python/object/apply:os.getcwd []", "YAML"),
        ("a: {", "YAML"),
        ("a: " + "[" * 3000, "YAML"),
        ("db_mappings: {}x", "YAML"),
        ("db_mappings: 7", "db_mappings"),
        ("db_mappings: [7]", "db_mappings"),
    ],
)
def test_what_is_none_is_refused(text: str, what: str) -> None:
    with pytest.raises(TemplateError, match=what):
        read_targets("t", text)


def test_the_message_of_an_entry() -> None:
    [entry] = read_targets("t", "n: {type: switch, ip: 10.0.0.1, timeout: 5}").entries
    announced = message(
        entry, action="create", plural="networks", resource_id="n1", tenant_id="t1", version=2
    )
    assert announced == {
        "gohan_resource_type": "networks",
        "gohan_id": "n1",
        "name": "n",
        "tenant_id": "t1",
        "version": 2,
        "action": "create",
        "properties": {"ip": "10.0.0.1"},
    }
