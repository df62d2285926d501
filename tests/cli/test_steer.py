"""Steering as it is typed: what is said, what is recorded, and the exit codes."""

from __future__ import annotations

import json

import pytest

from esi_flows.catalog.types import Catalog
from esi_flows.model import codec, keys
from esi_flows.model.groups import GroupRecord
from esi_flows.steering.people import who
from esi_flows.store.etcd import EtcdStore
from tests.cli.conftest import Cli
from tests.cli.world import NETWORK, PORT, SUBNET, fill


@pytest.fixture
def filled(store: EtcdStore, catalog: Catalog) -> EtcdStore:
    fill(store, catalog)
    return store


def orders(store: EtcdStore, group: str) -> list[dict[str, str]]:
    found = store.get(keys.steering(group))
    return json.loads(found.value)["orders"] if found is not None else []


def test_an_order_is_recorded_with_who_and_why(filled: EtcdStore, cli: Cli) -> None:
    result = cli("suspend", PORT, "--reason", "quota")
    assert result.code == 0
    assert result.out.splitlines()[:2] == [
        f"{PORT}:1 stops at its next safe point.",
        "No conductor is live: nothing happens until one is.",
    ]
    [order] = orders(filled, f"{PORT}:1")
    assert (order["want"], order["by"], order["reason"]) == ("suspend", who(), "quota")


def test_typed_twice_it_is_recorded_once(filled: EtcdStore, cli: Cli) -> None:
    cli("cancel", PORT)
    again = cli("cancel", PORT)
    assert (again.code, len(orders(filled, f"{PORT}:1"))) == (0, 1)
    assert "was to be cancelled already" in again.out
    refused = cli("resume", PORT)
    assert refused.code == 1
    assert "cannot be resumed" in refused.err
    assert "next: wait for its end" in refused.err


def test_what_has_ended_says_what_can_be_done(filled: EtcdStore, cli: Cli) -> None:
    failed, done = cli("cancel", SUBNET), cli("suspend", NETWORK)
    assert (failed.code, done.code) == (1, 1)
    assert failed.err.endswith(f"next: esi-flows retry {SUBNET}\n")
    assert f"next: esi-flows delete {NETWORK}" in done.err
    assert orders(filled, f"{SUBNET}:1") == []


def test_one_group_can_be_named(filled: EtcdStore, cli: Cli) -> None:
    assert cli("suspend", f"{PORT}:1").code == 0
    refused = cli("suspend", f"{PORT}:9")
    assert refused.code == 1
    assert f"there is no group {PORT}:9" in refused.err


def test_a_resource_without_a_group_is_told_so(filled: EtcdStore, cli: Cli) -> None:
    result = cli("suspend", "tenant:c55")
    assert result.code == 1
    assert "has no group yet" in result.err


def test_the_service_is_paused_and_goes_on(filled: EtcdStore, cli: Cli) -> None:
    assert cli("pause", "--reason", "upgrade").out.startswith(f"Paused, by {who()}: upgrade.")
    assert cli("pause").out.startswith("Paused already")
    assert cli("pause", "--suspend").out.startswith("Paused, by")
    assert cli("unpause").out == "It goes on.\n"
    assert cli("unpause").out == "It was not paused.\n"


def test_retry_puts_back_what_was_accepted(filled: EtcdStore, cli: Cli, catalog: Catalog) -> None:
    memo = keys.memo(catalog.path(SUBNET))
    filled.put(memo, codec.dumps({"body": {}, "version": 1, "deleted": False}))
    result = cli("retry", SUBNET, "--reason", "quota raised")
    assert (result.code, result.out.splitlines()[0]) == (0, f"{SUBNET}:1 is tried again.")
    assert filled.get(memo) is None
    assert cli("retry", SUBNET).out.startswith(f"{SUBNET} is under way already.")
    found = filled.get(keys.group(f"{SUBNET}:1"))
    assert found is not None
    assert [o.reason for o in GroupRecord.decode(found.key, found.value).orders] == ["quota raised"]
    assert cli("retry", NETWORK).code == 1


def test_quarantine_is_listed_shown_and_left(filled: EtcdStore, cli: Cli) -> None:
    key = "/config/v2.0/networks/broken"
    revision = filled.put(key, b'{"body": {"password": "hush"}}')
    note = codec.dumps({"reason": "no version", "hint": "give one", "revision": revision})
    filled.put(keys.quarantine(key), note)
    [row] = json.loads(cli("quarantine", "list", "-f", "json").out)
    assert row == {"Key": key, "Reason": "no version", "Hint": "give one"}
    shown = cli("quarantine", "show", key).out
    assert "no version" in shown
    assert "hush" not in shown
    assert cli("quarantine", "requeue", key).code == 0
    assert filled.get(keys.quarantine(key)) is None
    assert cli("quarantine", "requeue", key).err.startswith(f"error: {key} is not in quarantine")


def test_what_is_dropped_is_gone_but_not_what_was_written_again(
    filled: EtcdStore, cli: Cli, catalog: Catalog
) -> None:
    key = "/config/v2.0/networks/broken"
    old = filled.put(key, b"{")
    new = filled.put(key, b"[")
    for revision, code in ((old, 1), (new, 0)):
        filled.put(keys.quarantine(key), codec.dumps({"reason": "x", "revision": revision}))
        assert cli("quarantine", "drop", key).code == 1  # it has to be meant
        assert cli("quarantine", "drop", key, "--yes").code == code
    assert filled.get(key) is None
    deployed = keys.config(catalog.path(NETWORK))
    filled.put(keys.memo(catalog.path(NETWORK)), b"{}")
    filled.put(keys.quarantine(deployed), codec.dumps({"reason": "x"}))
    assert "is deployed" in cli("quarantine", "drop", deployed, "--yes").err


def test_events_go_on_after_a_revision(filled: EtcdStore, cli: Cli) -> None:
    start = filled.range(keys.GROUPS).revision
    cli("suspend", PORT)
    cli("pause")
    lines = cli("events", "--since-revision", start, "--limit", "2", "-f", "json").out.splitlines()
    first, second = map(json.loads, lines)
    assert (first["kind"], first["name"], first["state"]) == ("order", f"{PORT}:1", "suspend")
    assert (second["kind"], second["state"]) == ("service", "PAUSED")
    rest = cli("events", "--since-revision", first["revision"], "--limit", "1")
    assert rest.out.startswith(f"{second['revision']}  service     service  PAUSED  by ")


def test_history_is_listed_shown_pinned_and_pruned(filled: EtcdStore, cli: Cli) -> None:
    found = filled.get(keys.group(f"{SUBNET}:1"))
    assert found is not None
    filled.put(keys.course(f"{SUBNET}:1", 1003.0), found.value)
    [row] = json.loads(cli("history", "list", "-f", "json").out)
    assert (row["Course"], row["State"]) == (f"{SUBNET}:1/0000001003000", "REVERTED")
    assert "Quota exceeded for subnet" in cli("history", "show", SUBNET).out
    assert json.loads(cli("history", "show", SUBNET, "-f", "json").out)["state"] == "REVERTED"
    assert cli("history", "pin", SUBNET, "--reason", "evidence").code == 0
    assert cli("history", "prune", "--days", "1").out == "0 courses were removed.\n"
    assert cli("history", "export", "--out", "h.jsonl").out == "wrote 1 courses to h.jsonl\n"
    assert cli("history", "export", "--out", "h.jsonl").code == 1
    assert cli("history", "unpin", SUBNET).code == 0
    assert cli("history", "prune", "--days", "1", "--dry-run").out.startswith("1 courses would")
    assert cli("history", "prune", "--days", "1").out == "1 courses were removed.\n"
    assert cli("history", "show", SUBNET).code == 1
