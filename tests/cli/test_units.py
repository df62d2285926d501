"""The units of systemd start commands that there are, with options that these have."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

UNITS = sorted((Path(__file__).parents[2] / "conf" / "systemd").glob("*.service"))


class UnitParser(configparser.RawConfigParser):
    """Reads what systemd reads, where settings may be repeated."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr  # systemd tells upper case from lower case


def read(unit: Path) -> configparser.RawConfigParser:
    parser = UnitParser(strict=False, interpolation=None)
    parser.read(unit)
    return parser


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
@pytest.mark.parametrize("line", ["ExecStart", "ExecStartPre"])
def test_the_command_line_is_understood(unit: Path, line: str, bare_cli: Cli) -> None:
    program, service, *words = read(unit)["Service"][line].removeprefix("-").split()
    assert program.endswith("/bin/esi-flows")
    assert service == unit.stem.removeprefix("esi-flows-")
    result = bare_cli(service, *words, "--check-config")
    # nothing is there where it is to be installed: that is told, and nothing about the options
    assert result.out.startswith("configuration: error: /etc/esi-flows/conf.d is not a folder")
    assert result.err == ""


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_the_service_is_told_to_drain_and_given_the_time(unit: Path) -> None:
    service = read(unit)["Service"]
    assert service["Type"] == "notify"
    assert service["KillSignal"] == "SIGTERM"
    assert int(service["TimeoutStopSec"]) >= 30
    assert int(service["WatchdogSec"]) > 60


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_the_service_may_do_little(unit: Path) -> None:
    service = read(unit)["Service"]
    assert service["User"] == "esi-flows"
    assert service["CapabilityBoundingSet"] == ""
    for name in ("NoNewPrivileges", "PrivateTmp", "PrivateDevices", "ProtectHome"):
        assert service[name] == "yes"
    assert service["ProtectSystem"] == "strict"
