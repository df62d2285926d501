"""``--check-config`` says everything at once."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from stevedore import ExtensionManager

from esi_flows.store.embedded import EmbeddedEtcd
from tests.cli.conftest import FLOWS, Cli

PROBLEMS = """
[etcd]
endpoints = http://127.0.0.1:{nobody}
endpiont = http://127.0.0.1:2379
ca_cert = {folder}/broken.pem
cert = {folder}/none.pem

[conductor]
lease_seconds = 1

[heat]
interface = privat
poll_min_seconds = 9.0

[cloud]
auth_type = password
user-name = admin

[operatoin]
stuck_seconds = 5

[operation]
conductor_port = 99999
listen_address = 192.0.2.1

[log]
config_file = {folder}/none.yaml
"""

FINDINGS = (
    "[etcd] endpiont: warning: no option has this name (did you mean endpoints?)",
    "[cloud] user-name: warning: this name is deprecated (write username)",
    "[operatoin] stuck_seconds: warning: no section has this name (did you mean operation?)",
    "[conductor] lease_seconds: error: ",
    "[heat] interface: error: ",
    "[operation] conductor_port: error: ",
    "[etcd] timeout_seconds: warning: one call that gets no answer may take as long",
    "[heat] poll_min_seconds: error: is more than poll_max_seconds",
    "broken.pem: error: cannot be used: ",
    "none.pem: error: cannot be read: No such file",
    "/etcd-nobody: error: nobody listens there",
    "resource.yaml:1:1: error: ",
    "handler dns_worker: error: the handler dns_worker cannot be loaded",
    "handler heat_worker: error: cloud credentials: the password is missing",
    "[operation] listen_address: error: 192.0.2.1: ",
    "[log] config_file: error: ",
)

CREDENTIAL = """
[cloud]
auth_type = password
auth_url = http://127.0.0.1:{nobody}/v3
username = esi-flows
password = {password}
user_domain_name = Default
"""
PASSWORD = "c4n4ry-in-a-cage"


@pytest.fixture(autouse=True)
def looked_up_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """stevedore remembers for the whole process what is installed."""
    monkeypatch.setattr(ExtensionManager, "ENTRY_POINT_CACHE", {})


@pytest.fixture
def nobody() -> Iterator[int]:
    """A port that is taken and where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def install_broken_handler(folder: Path) -> None:
    info = folder / "plug_in-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plug-in\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[esi_flows.handlers]\ndns_worker = no_such:handler\n")


def test_every_problem_is_listed(
    bare_cli: Cli, tmp_path: Path, nobody: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_broken_handler(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "broken.pem").write_text("no certificate")
    catalog = tmp_path / "catalog" / "resources" / "x"
    catalog.mkdir(parents=True)
    (catalog / "resource.yaml").write_text("type: x\nplural: xs\n")
    config = tmp_path / "bad.conf"
    config.write_text(PROBLEMS.format(nobody=nobody, folder=tmp_path))
    result = bare_cli(
        *("conductor", "--check-config", "--config-file", config),
        *("--flows", tmp_path / "catalog"),
    )
    assert result.code == 1
    said = result.out.replace(f"127.0.0.1:{nobody}", "/etcd-nobody")
    for finding in FINDINGS:
        assert finding in said, said
    assert len(said.splitlines()) == len(FINDINGS) + 1, said
    errors = sum(": error: " in finding for finding in FINDINGS)
    warnings = len(FINDINGS) - errors
    assert said.splitlines()[-1] == f"{errors} errors and {warnings} warnings"
    assert result.err == ""


def test_a_good_configuration_is_told_so(
    bare_cli: Cli, tmp_path: Path, etcd: EmbeddedEtcd, nobody: int
) -> None:
    """A cloud that is away is no reason not to start: it may come back."""
    folder = tmp_path / "conf.d"
    folder.mkdir()
    (folder / "10-etcd.conf").write_text(
        f"[etcd]\nendpoints = {etcd.endpoint}\ntimeout_seconds = 2\n"
    )
    credential = CREDENTIAL.format(nobody=nobody, password=PASSWORD)
    (folder / "20-cloud.conf").write_text(credential)
    result = bare_cli("conductor", "--check-config", "--config-dir", folder, "--flows", FLOWS)
    assert result.code == 0, result.out
    assert "handlers: warning: the cloud does not answer yet" in result.out
    assert result.out.splitlines()[-1] == "0 errors and 1 warning"
    assert PASSWORD not in result.out + result.err


def test_one_silent_member_of_etcd_is_only_a_warning(
    bare_cli: Cli, tmp_path: Path, etcd: EmbeddedEtcd, nobody: int
) -> None:
    config = tmp_path / "x.conf"
    endpoints = f"{etcd.endpoint},http://127.0.0.1:{nobody}"
    credential = CREDENTIAL.format(nobody=nobody, password=PASSWORD)
    config.write_text(f"[etcd]\nendpoints = {endpoints}\ntimeout_seconds = 1\n{credential}")
    result = bare_cli("conductor", "--check-config", "--config-file", config, "--flows", FLOWS)
    assert result.code == 0, result.out
    assert f"[etcd] endpoints: http://127.0.0.1:{nobody}: warning: " in result.out


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("x = 1\n", "x.conf:1: error: Section must be started before assignment"),
        ("[etcd\n", "x.conf:1: error: "),
        (None, "x.conf: error: cannot be read: No such file or directory"),
        (b"[etcd]\nuser = \xff\n", "x.conf: error: cannot be read: it is no UTF-8 text"),
    ],
    ids=["no section", "broken section", "no file", "no text"],
)
def test_a_file_that_cannot_be_read_is_named(
    text: str | bytes | None, finding: str, bare_cli: Cli, tmp_path: Path
) -> None:
    config = tmp_path / "x.conf"
    if text is not None:
        config.write_bytes(text if isinstance(text, bytes) else text.encode())
    result = bare_cli("conductor", "--check-config", "--config-file", config, "--flows", FLOWS)
    assert result.code == 1
    assert finding in result.out
    assert result.out.splitlines()[-1] == "1 error and 0 warnings"


def test_a_folder_that_is_none_is_named(bare_cli: Cli, tmp_path: Path) -> None:
    result = bare_cli("conductor", "--check-config", "--config-dir", tmp_path / "none")
    assert result.code == 1
    assert "none is not a folder" in result.out
