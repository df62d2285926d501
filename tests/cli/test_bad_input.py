"""Bad input: exit code 1, one clear line per finding, and nothing changed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from esi_flows.store.embedded import EmbeddedEtcd
from esi_flows.store.etcd import EtcdStore
from tests.cli.conftest import FLOWS, Cli, Write

NETWORK = """\
type: network
id: n1
body:
  tenant_id: t1
  name: blue
"""
TENANT = "type: tenant\nid: t1\nbody: {name: us}\n---\n"
SUBNET = """\
type: subnet
id: s1
body: {tenant_id: t1, network_id: n1, cidr: 10.0.0.0/24}
"""
RING = """\
type: ring
prefix: /v1
plural: rings
description: Something that refers to its like.
relations: {next_id: ring}
template_mappings: {}
secrets: []
schema: {type: object}
"""


@pytest.mark.parametrize("command", ["apply", "run"])
@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param({}, ["d: does not exist"], id="a folder that is none"),
        pytest.param({"x.txt": ""}, ["d: has no YAML file in it"], id="a folder without YAML"),
        pytest.param(
            {"a.yaml": "type: network\n  id: 1\n"},
            ["d/a.yaml:2: is not YAML: mapping values are not allowed here"],
            id="YAML that is none",
        ),
        pytest.param(
            {"a.yaml": NETWORK.replace("network", "netwrok")},
            ["d/a.yaml:1: unknown type 'netwrok' (did you mean 'network'?)"],
            id="an unknown type",
        ),
        pytest.param(
            {"a.yaml": TENANT + NETWORK.replace("name: blue", "name: [blue]")},
            ["d/a.yaml:9: network:n1: name: this value is a list, must be a text"],
            id="a field of a wrong type",
        ),
        pytest.param(
            {"a.yaml": TENANT + NETWORK + "---\n" + SUBNET.replace("cidr", "cdir")},
            ["d/a.yaml:13: subnet:s1: field 'cidr' is missing"],
            id="a field that is missing",
        ),
    ],
)
def test_bad_input_is_told_and_changes_nothing(
    cli: Cli,
    store: EtcdStore,
    write: Write,
    command: str,
    files: Mapping[str, str],
    expected: list[str],
) -> None:
    write(files)
    result = cli(command, "d")
    assert result.code == 1
    assert result.out == ""
    lines = result.err.splitlines()
    assert lines[0] == "error: d cannot be deployed"
    findings = [line.strip() for line in lines[1:] if line.startswith("  ")]
    for finding in expected:
        assert any(found.startswith(finding) for found in findings), result.err
    assert store.range("/").items == ()


def test_a_relation_that_leads_nowhere(cli: Cli, store: EtcdStore, write: Write) -> None:
    result = cli("apply", write({"a.yaml": SUBNET}))
    assert result.code == 1
    assert result.err.splitlines()[:2] == [
        "error: d does not fit what is in the store",
        "  d/a.yaml:1: subnet:s1: network_id refers to network:n1,"
        " which is neither in the deployment nor in the store",
    ]
    assert store.range("/").items == ()


def test_every_finding_is_told_at_once(cli: Cli, write: Write) -> None:
    files = {f"{n}.yaml": NETWORK.replace("network", f"nothing{n}") for n in range(5)}
    result = cli("apply", write(files))
    assert [f"d/{n}.yaml:1: unknown type" in result.err for n in range(5)] == [True] * 5


def test_run_without_a_cloud_says_how_to_name_one(cli: Cli, store: EtcdStore, write: Write) -> None:
    result = cli("run", write({"a.yaml": TENANT}))
    assert result.code == 1
    assert result.err.startswith("error: no cloud is configured\nnext: ")
    assert result.err.endswith("; or try it with --sandbox\n")
    assert store.range("/config/").items == ()


def test_relations_that_go_round_in_a_circle(
    bare_cli: Cli, store: EtcdStore, etcd: EmbeddedEtcd, write: Write, tmp_path: Path
) -> None:
    catalog = tmp_path / "flows" / "resources" / "ring"
    catalog.mkdir(parents=True)
    (catalog / "resource.yaml").write_text(RING)
    folder = write(
        {
            "a.yaml": "type: ring\nid: a\nbody: {next_id: b}\n",
            "b.yaml": "type: ring\nid: b\nbody: {next_id: a}\n",
        }
    )
    result = bare_cli("apply", folder, "--flows", tmp_path / "flows", "--etcd", etcd.endpoint)
    assert result.code == 1
    assert result.err.splitlines()[:2] == [
        "error: d cannot be deployed",
        "  d/a.yaml:1: relations go round in a circle: ring:a -> ring:b -> ring:a"
        " (give one of them its relation in a later step)",
    ]
    assert store.range("/").items == ()


@pytest.mark.parametrize("command", [("run", "d", "--sandbox"), ("sandbox",)])
def test_a_sandbox_does_not_use_another_etcd(
    cli: Cli, write: Write, command: tuple[str, ...]
) -> None:
    write({"a.yaml": TENANT})
    result = cli(*command)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(
        "error: a sandbox has an etcd of its own, and --etcd names another"
    )


@pytest.mark.parametrize(
    "words", [("status",), ("get", "/x"), ("delete", "x"), ("plan", "x"), ("status", "-f", "json")]
)
def test_a_folder_without_a_sandbox_is_told_and_not_made(
    bare_cli: Cli, tmp_path: Path, words: tuple[str, ...]
) -> None:
    result = bare_cli(*words, "--data", "typo", "--flows", FLOWS)
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        "error: there is no sandbox in typo\nnext: esi-flows sandbox --data typo\n"
    )
    assert not (tmp_path / "typo").exists()


@pytest.mark.parametrize("words", [("status",), ("sandbox",)])
def test_a_file_in_place_of_a_sandbox_is_told(
    bare_cli: Cli, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "file").touch()
    result = bare_cli(*words, "--data", "file", "--flows", FLOWS)
    assert (result.code, result.out) == (1, "")
    assert result.err == "error: file is not a folder\nnext: name a folder with --data\n"


def test_a_log_file_that_cannot_be_written_is_told(bare_cli: Cli) -> None:
    result = bare_cli("status", "--log-file", "nowhere/log", "--flows", FLOWS)
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        "error: the log nowhere/log cannot be written: No such file or directory\n"
        "next: name another file with --log-file\n"
    )
