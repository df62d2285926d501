from __future__ import annotations

import logging
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from esi_flows import settings
from tests.cli.conftest import FLOWS, Cli

COMMANDS = ("apply", "delete", "get", "run", "sandbox", "status")


def test_help_lists_the_commands(bare_cli: Cli) -> None:
    result = bare_cli("--help")
    assert result.code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in result.out


def test_help_is_quick_because_it_imports_nothing_heavy() -> None:
    code = (
        "import sys; from esi_flows.cli.app import main; main(['--help']);"
        "print([m for m in ('grpc','taskflow','jsonschema','heatclient') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("[]\n")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(bare_cli: Cli, command: str) -> None:
    result = bare_cli(command, "--help")
    assert result.code == 0
    assert result.out.startswith(f"usage: esi-flows {command} ")
    assert "see the options in esi-flows --help" in " ".join(result.out.split())


def test_without_a_command_it_says_what_there_is(bare_cli: Cli) -> None:
    result = bare_cli()
    assert result.code == 0
    assert "Commands:" in result.out


def test_an_unknown_command_is_refused_with_the_nearest(bare_cli: Cli) -> None:
    result = bare_cli("staus")
    assert (result.code, result.out) == (1, "")
    assert result.err == (
        "error: 'staus' is not a command\nnext: did you mean status? esi-flows --help lists all\n"
    )


@pytest.mark.parametrize("arguments", [("apply",), ("run", "d", "--speed", "0"), ("get",)])
def test_bad_usage_is_not_mistaken_for_a_failed_job(
    bare_cli: Cli, arguments: tuple[str, ...]
) -> None:
    result = bare_cli(*arguments)
    assert result.code == 1
    first, last = result.err.splitlines()
    assert first.startswith("error: ")
    assert last == f"next: esi-flows {arguments[0]} --help"


def test_bad_usage_before_the_command_is_told_in_the_same_form(bare_cli: Cli) -> None:
    result = bare_cli("--data")
    assert result.code == 1
    assert result.err == ("error: argument --data: expected one argument\nnext: esi-flows --help\n")


def test_a_store_that_cannot_be_reached_has_its_own_exit_code(
    bare_cli: Cli, tmp_path: Path
) -> None:
    config = tmp_path / "c.conf"
    config.write_text("[etcd]\nendpoints = http://127.0.0.1:1\ntimeout_seconds = 0.3\n")
    result = bare_cli("status", "--config-file", config, "--flows", FLOWS)
    assert result.code == 4
    assert result.err.startswith("error: ")
    assert "127.0.0.1:1" in result.err
    assert "Traceback" not in result.err


def test_where_no_etcd_was_named_it_says_how_to_name_one(
    bare_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    option = next(option for option in settings.ETCD_OPTS if option.dest == "endpoints")
    monkeypatch.setattr(option, "default", [endpoint])
    result = bare_cli("status", "--flows", FLOWS)
    assert result.code == 4
    assert result.err == (
        f"error: no etcd was named, and none answers at {endpoint}: Connection refused\n"
        "next: name one with --etcd or --data, source the lines that `esi-flows sandbox` prints, "
        "or try `esi-flows run DIR --sandbox`\n"
    )


def test_a_configuration_that_cannot_work_is_told(bare_cli: Cli, tmp_path: Path) -> None:
    config = tmp_path / "c.conf"
    config.write_text("[conductor]\nlease_seconds = soon\n")
    result = bare_cli("status", "--config-file", config, "--flows", FLOWS)
    assert result.code == 1
    assert "lease_seconds" in result.err
    assert "next: conf/esi-flows.conf.sample" in result.err


def test_a_catalog_that_is_none_is_told(bare_cli: Cli, tmp_path: Path) -> None:
    result = bare_cli("status", "--flows", tmp_path / "nowhere")
    assert result.code == 1
    assert "nowhere" in result.err


def test_debug_shows_where_an_error_came_from(bare_cli: Cli, tmp_path: Path) -> None:
    result = bare_cli("status", "--flows", tmp_path / "nowhere", "--debug")
    assert "Traceback" in result.err


def test_logging_is_left_as_it_was(bare_cli: Cli) -> None:
    root = logging.getLogger()
    before = (list(root.handlers), root.level)
    bare_cli("staus")
    assert (list(root.handlers), root.level) == before


def test_requests_to_the_cloud_are_never_logged(
    bare_cli: Cli, caplog: pytest.LogCaptureFixture
) -> None:
    bare_cli("help", "-vv")
    caplog.set_level(logging.DEBUG)
    assert not logging.getLogger("keystoneauth.session").isEnabledFor(logging.DEBUG)


def test_the_log_file_gets_what_the_screen_does_not(cli: Cli, tmp_path: Path) -> None:
    folder = FLOWS / "deployments" / "logical_network"
    result = cli("apply", folder, "--log-file", tmp_path / "log")
    assert "intent written" not in result.err
    assert "intent written" in (tmp_path / "log").read_text()
