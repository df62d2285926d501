"""The lint command: lines that editors understand, formats for programs, exit codes."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import FLOWS, Cli, Write

BAD = {"a.yaml": "type: netwrok\nid: n1\nbody: {}\n"}
SLIP = {"a.yaml": "type: tenant\nid: t1\nbody: {end_tiem: never}\n"}
FOUND = "d/a.yaml:1:1: error: unknown type 'netwrok' (did you mean 'network'?)\n"


def test_nothing_wrong_is_no_output_and_exit_code_0(bare_cli: Cli) -> None:
    done = bare_cli("lint", FLOWS)
    assert (done.code, done.out, done.err) == (0, "", "nothing wrong\n")


def test_a_finding_is_a_line_and_exit_code_1(bare_cli: Cli, write: Write) -> None:
    done = bare_cli("lint", write(BAD), "--flows", FLOWS)
    assert (done.code, done.out, done.err) == (1, FOUND, "1 error\n")


def test_a_warning_is_an_error_only_if_asked_for(bare_cli: Cli, write: Write) -> None:
    folder = write(SLIP)
    done = bare_cli("lint", folder, "--flows", FLOWS)
    assert done.code == 0
    assert done.out.startswith("d/a.yaml:3:8: warning: tenant:t1: end_tiem: is no field")
    assert done.err == "1 warning\n"
    strict = bare_cli("lint", folder, "--flows", FLOWS, "--strict")
    assert strict.code == 1
    assert strict.out == done.out.replace("warning", "error")


def test_formats_for_programs(bare_cli: Cli, write: Write) -> None:
    folder = write(BAD)
    done = bare_cli("lint", folder, "--flows", FLOWS, "-f", "json")
    assert done.code == 1
    [row] = json.loads(done.out)
    assert row.pop("Allowed").startswith("edge_router, er_physical_interface, ")
    assert row == {
        "File": "d/a.yaml",
        "Line": 1,
        "Column": 1,
        "Severity": "error",
        "Path": "type",
        "Finding": "unknown type 'netwrok'",
        "Value": "netwrok",
        "Hint": "did you mean 'network'?",
    }
    done = bare_cli("lint", folder, "--flows", FLOWS, "-f", "csv", "-c", "File", "-c", "Line")
    assert list(csv.reader(io.StringIO(done.out))) == [["File", "Line"], ["d/a.yaml", "1"]]
    done = bare_cli("lint", folder, "--flows", FLOWS, "-f", "value", "-c", "Path")
    assert done.out == "type\n"


def test_no_store_is_asked(bare_cli: Cli) -> None:
    done = bare_cli("lint", FLOWS, "--etcd", "http://127.0.0.1:1")
    assert done.code == 0


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_what_is_no_folder_is_told(bare_cli: Cli, name: str) -> None:
    Path("file").write_text("")
    done = bare_cli("lint", name)
    assert done.code == 1
    assert done.out.startswith(f"{name}: error: ")
