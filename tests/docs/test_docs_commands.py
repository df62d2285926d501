"""Every command that the pages show is run as shown, and prints what they show."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.docs.pages import Page, missing, pages
from tests.docs.shell import Shell

ROOT = Path(__file__).parents[2]

_PAGES = [page for page in pages(ROOT) if page.commands()]


@pytest.fixture
def shell(tmp_path: Path, etcd_program: Path) -> Shell:
    """A shell in a folder like a fresh clone, as far as pages need it."""
    shutil.copytree(ROOT / "flows", tmp_path / "clone" / "flows")
    kept = {name: os.environ[name] for name in ("LANG", "LC_ALL") if name in os.environ}
    return Shell(
        tmp_path / "clone",
        {
            **kept,
            "HOME": str(tmp_path),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "ESI_FLOWS_ETCD": str(etcd_program),
        },
    )


@pytest.mark.etcd
@pytest.mark.timeout(300)
@pytest.mark.parametrize("page", _PAGES, ids=[page.name for page in _PAGES])
def test_commands_do_what_the_page_shows(page: Page, shell: Shell) -> None:
    with shell:
        for command in page.commands():
            ran = shell.run(command.text)
            told = f"{command.where}: $ {command.text}\n{ran.output}"
            assert ran.exit_code == command.exit_code, told
            assert missing(command.shown, ran.output) == [], told


def test_what_is_not_run_says_why() -> None:
    reasons = [reason for page in pages(ROOT) for reason in page.reasons()]
    assert all(len(reason.strip(": ").split()) >= 3 for reason in reasons)
