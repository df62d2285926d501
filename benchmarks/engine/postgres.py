"""A private PostgreSQL in a folder, for the engines that need one."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from esi_flows.store.embedded.process import free_ports

_READY_SECONDS = 30.0
_COMMAND_SECONDS = 300
_PROGRAMS = "usr/lib/postgresql/*/bin"


class NoPostgres(Exception):
    """There is no PostgreSQL, and none could be had; the message says why."""


class Postgres:
    """A server on loopback with its data in ``folder``; fsync is on, as it is by default.

    It refuses to run as root: started by root, it runs as ``postgres``, or ``nobody``.
    """

    def __init__(self, folder: Path, cache: Path) -> None:
        self._folder = folder
        self._cache = cache
        self._port = free_ports().client
        self._process: subprocess.Popen[bytes] | None = None
        self.version = ""

    @property
    def pid(self) -> int:
        """Of the server; its connections are processes below it."""
        return self._process.pid if self._process is not None else 0

    def url(self, database: str, *, driver: str = "") -> str:
        """The URL of a database; ``driver`` as SQLAlchemy wants it, e.g. ``+psycopg``."""
        return f"postgresql{driver}://bench@127.0.0.1:{self._port}/{database}"

    def create(self, database: str) -> str:
        """A new and empty database; its name."""
        self._run(["createdb", *self._where(), database])
        return database

    def start(self) -> Self:
        """Set up and start. Raises NoPostgres."""
        self._programs = find_programs(self._cache)
        self._folder.mkdir(mode=0o755, parents=True)
        if os.geteuid() == 0:
            user = _user()
            os.chown(self._folder, user.pw_uid, user.pw_gid)
        self.version = self._run(["postgres", "--version"]).split()[2]
        data = self._folder / "data"
        self._run(["initdb", "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8", "-N"])
        options = ["-p", str(self._port), f"-cunix_socket_directories={self._folder}"]
        with (self._folder / "log").open("w") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", data, *_OPTIONS, *options],
                stdout=subprocess.DEVNULL,
                stderr=log,
                **self._as_whom(),
            )
        self._wait_ready()
        return self

    def stop(self) -> None:
        """End the server; its data stays."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            try:
                self._run(["pg_isready", *self._where()])
            except NoPostgres as error:
                if time.monotonic() > deadline or self._process is None or self._process.poll():
                    log = (self._folder / "log").read_text().strip().splitlines()
                    raise NoPostgres(log[-1] if log else str(error)) from error
                time.sleep(0.05)
            else:
                return

    def _where(self) -> Sequence[str]:
        return ("-h", "127.0.0.1", "-p", str(self._port), "-U", "bench")

    def _run(self, command: Sequence[str | Path]) -> str:
        return _run([self._programs / command[0], *command[1:]], **self._as_whom())

    def _as_whom(self) -> dict[str, Any]:
        options: dict[str, Any] = {"cwd": self._folder, "env": _environment(self._programs)}
        if os.geteuid() == 0:
            user = _user()
            options |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        return options


_OPTIONS = ("-cfsync=on", "-csynchronous_commit=on", "-cmax_connections=200")


def find_programs(cache: Path) -> Path:
    """The folder of PostgreSQL's programs; fetched from Debian if there is none.

    Raises NoPostgres.
    """
    found = sorted(Path("/").glob(_PROGRAMS)) + sorted(cache.glob(_PROGRAMS))
    on_path = shutil.which("initdb")
    if on_path:
        found.append(Path(on_path).resolve().parent)
    for folder in reversed(found):
        if (folder / "initdb").exists():
            return folder
    return fetch_programs(cache)


def fetch_programs(cache: Path) -> Path:
    """Unpack Debian's packages below ``cache``; needs no root. Raises NoPostgres."""
    if shutil.which("apt-get") is None:
        raise NoPostgres("PostgreSQL is not installed, and there is no apt-get to fetch it with")
    work = cache / "packages"
    work.mkdir(parents=True, exist_ok=True)
    # what is installed already is used where it is; the rest comes along
    names = re.findall(r"^Inst (\S+)", _simulate_install(), re.MULTILINE)
    sandbox = ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []
    _run(["apt-get", *sandbox, "download", *names], cwd=work)
    for package in work.glob("*.deb"):
        _run(["dpkg-deb", "-x", package, cache])
    found = sorted(cache.glob(_PROGRAMS))
    if not found:
        raise NoPostgres("Debian's packages hold no PostgreSQL")
    return found[-1]


def _simulate_install() -> str:
    wanted = ["apt-get", "-s", "--no-install-recommends", "install", "postgresql"]
    try:
        return _run(wanted)
    except NoPostgres:
        if os.geteuid() != 0:
            raise
        _run(["apt-get", "--quiet", "update"])  # the lists of packages were never fetched
        return _run(wanted)


def _environment(programs: Path) -> Mapping[str, str]:
    """With the libraries that were unpacked together with the programs, if they were."""
    root = programs.parents[4]
    libraries = ":".join(str(p) for p in sorted(root.glob("usr/lib/*-linux-gnu")))
    plain = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"}
    return plain if root == Path("/") else {**plain, "LD_LIBRARY_PATH": libraries}


def _user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise NoPostgres("PostgreSQL does not run as root, and there is no user for it")


def _run(command: Sequence[str | Path], **options: Any) -> str:
    try:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_COMMAND_SECONDS,
            check=True,
            **options,
        )
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or error.stdout or "").strip().splitlines()
        raise NoPostgres(f"{command[0]}: {lines[-1] if lines else error}") from error
    except (OSError, subprocess.SubprocessError) as error:
        raise NoPostgres(f"{command[0]}: {error}") from error
    return done.stdout
