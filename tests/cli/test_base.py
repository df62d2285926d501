"""How commands say what to type next."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from esi_flows.cli.base import called


def _program(folder: Path, name: str = "esi-flows") -> Path:
    folder.mkdir(exist_ok=True)
    program = folder / name
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize(
    ("on_the_path", "typed", "shown"),
    [
        ("here", "here/esi-flows", "esi-flows"),
        ("there", "here/esi-flows", "here/esi-flows"),
        ("nowhere", "here/esi-flows", "here/esi-flows"),
        ("there", "here/pytest", "esi-flows"),
    ],
)
def test_the_next_command_names_the_program_that_was_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_the_path: str, typed: str, shown: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("here", "there"):
        _program(tmp_path / folder)
    _program(tmp_path / "here", "pytest")
    monkeypatch.setenv("PATH", str(tmp_path / on_the_path))
    monkeypatch.setattr(sys, "argv", [typed, "status"])
    assert called() == shown
