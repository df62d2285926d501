"""Runs the command line in this process, on a real etcd and the catalog of the checkout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from esi_flows.catalog.loader import load_catalog
from esi_flows.catalog.types import Catalog
from esi_flows.cli.app import main
from esi_flows.store.embedded import EmbeddedEtcd
from esi_flows.store.etcd import EtcdStore

FLOWS = Path(__file__).parents[2] / "flows"


@dataclass(frozen=True)
class Result:
    """What a command said: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


Cli = Callable[..., Result]
Write = Callable[[Mapping[str, str]], Path]


@pytest.fixture
def bare_cli(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Cli:
    """The command line on whatever the arguments say, in an empty folder, at 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name in ("ESI_FLOWS_ETCD_ENDPOINTS", "ESI_FLOWS_CATALOG", "OS_AUTH_URL"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: object) -> Result:
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return run


@pytest.fixture
def cli(bare_cli: Cli, store: EtcdStore, etcd: EmbeddedEtcd) -> Cli:
    """The command line on the empty store of the test."""

    def run(*arguments: object) -> Result:
        return bare_cli(*arguments, "--etcd", etcd.endpoint, "--flows", FLOWS)

    return run


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return load_catalog(FLOWS)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes files below a folder named ``d``; the name of the folder, relative to where we are."""

    def write_files(files: Mapping[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / "d" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return Path("d")

    return write_files
