"""Style, types and import directions are tests like any other."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOOLS = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["mypy"],
        ["lint-imports"],
    ],
    ids=lambda command: " ".join(command),
)
def test_nothing_to_complain_about(command: list[str]) -> None:
    done = subprocess.run(
        [TOOLS / command[0], *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_sample_configuration_is_current(tmp_path: Path) -> None:
    fresh = tmp_path / "sample"
    subprocess.run(
        [
            TOOLS / "oslo-config-generator",
            "--namespace=esi_flows",
            "--wrap-width=92",
            f"--output-file={fresh}",
        ],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    kept = (ROOT / "conf" / "esi-flows.conf.sample").read_text()
    assert kept == fresh.read_text(), "make sample"
