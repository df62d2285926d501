from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from esi_flows.model.errors import ServerError
from esi_flows.store.embedded.binary import VARIABLE, etcd_version, find_etcd, obtain_etcd


def program(file: Path, version: str) -> Path:
    """A program that says it is etcd of that version."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'#!/bin/sh\necho "etcd Version: {version}"\n')
    file.chmod(0o755)
    return file


@pytest.fixture(autouse=True)
def _bare_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No etcd anywhere, and nothing to fetch one with."""
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_bare_machine_has_none() -> None:
    assert find_etcd() is None


def test_what_cannot_be_fetched_is_told_with_what_to_do() -> None:
    with pytest.raises(ServerError, match=r"no etcd found: apt-get") as caught:
        obtain_etcd()
    assert "apt-get install etcd-server" in caught.value.hint


def test_named_program_comes_before_path_and_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = program(tmp_path / "cache/esi-flows/etcd-debian/etcd", "3.4.23")
    assert find_etcd() == cached
    on_path = program(tmp_path / "bin/etcd", "3.5.16")
    assert find_etcd() == on_path
    named = program(tmp_path / "mine", "3.6.0")
    monkeypatch.setenv(VARIABLE, str(named))
    assert find_etcd() == named


def test_program_that_loses_writes_is_passed_over(tmp_path: Path) -> None:
    bad = program(tmp_path / "bin/etcd", "3.5.1")
    good = program(tmp_path / "cache/esi-flows/etcd-debian/etcd", "3.4.23")
    assert find_etcd() == good
    assert find_etcd(allow_unsafe=True) == bad


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (None, "cannot be run"),
        ("#!/bin/sh\nexit 1\n", "cannot be run"),
        ("#!/bin/sh\necho hello\n", "is no etcd"),
        ('#!/bin/sh\necho "etcd Version: 3.5.2"\n', "can lose writes"),
    ],
)
def test_named_program_that_cannot_be_used_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, what: str
) -> None:
    named = tmp_path / "mine"
    if text is not None:
        named.write_text(text)
        named.chmod(0o755)
    monkeypatch.setenv(VARIABLE, str(named))
    with pytest.raises(ServerError, match=what) as caught:
        find_etcd()
    assert str(named) in caught.value.message


def test_version_is_read(tmp_path: Path) -> None:
    assert etcd_version(program(tmp_path / "etcd", "3.4.23")) == "3.4.23"


def test_command_says_where_the_program_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(program(tmp_path / "mine", "3.6.0")))
    command = [sys.executable, "-W", "error", "-m", "esi_flows.store.embedded", "--fetch"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'mine'} (3.6.0)\n")


def test_command_fails_with_what_to_do() -> None:
    command = [sys.executable, "-m", "esi_flows.store.embedded", "--fetch"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "apt-get install etcd-server" in done.stderr
