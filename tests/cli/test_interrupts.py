"""Ctrl-C while modules are still being imported, as a process of its own gets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import FLOWS

# presses Ctrl-C at the moment when a module is looked for
PROGRAM = """
import os, signal, sys

class PressesCtrlC:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, PressesCtrlC())
from esi_flows.cli.app import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(
    "module",
    [
        "cliff.app",
        "esi_flows.cli.options",
        "esi_flows.cli.run",
        "esi_flows.cli.sandboxes",
        "esi_flows.cli.services",
        "jsonschema",
        "taskflow",
    ],
)
def test_an_interrupt_in_any_import_ends_it_with_one_message(module: str, tmp_path: Path) -> None:
    words = ["run", FLOWS / "deployments" / "logical_network", "--sandbox", "--data", "d"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, module, *map(str, words), "--flows", str(FLOWS)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=30,
        check=False,
    )
    assert done.returncode == 130, done.stderr
    assert done.stderr.startswith("\ninterrupted: what is recorded stays")
    assert "error" not in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "d").exists()
