"""The servers of one run of the benchmarks, and a folder for them on a real disk."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.engine.postgres import NoPostgres, Postgres
from benchmarks.engine.variants import Store, Variant
from esi_flows.store.base import DeletePrefix
from esi_flows.store.embedded import EmbeddedEtcd
from esi_flows.store.etcd import connect

_IN_MEMORY = frozenset(("tmpfs", "ramfs"))


class NotOnDisk(Exception):
    """The folder is in memory: nothing there is durable."""


class Place:
    """An etcd, a PostgreSQL where one can be had, and a folder; all removed at the end."""

    def __init__(self, parent: Path, *, postgres: bool, anywhere: bool = False) -> None:
        """``anywhere``: in memory as well, where figures do not matter."""
        self._parent = parent
        self._anywhere = anywhere
        self._wants_postgres = postgres
        self._stack = contextlib.ExitStack()
        self._numbers = count()
        self._postgres: Postgres | None = None
        self._no_postgres = "not started"

    def __enter__(self) -> Self:
        """Start the servers. Raises NotOnDisk, ServerError."""
        kind = filesystem(self._parent)
        if kind in _IN_MEMORY and not self._anywhere:
            raise NotOnDisk(f"{self._parent} is on {kind}: name a folder on a disk with --folder")
        with self._stack:
            self.folder = Path(tempfile.mkdtemp(prefix="esi-flows-bench-", dir=self._parent))
            self._stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            self.folder.chmod(0o755)  # PostgreSQL is another user
            self.etcd = self._stack.enter_context(EmbeddedEtcd(self.folder / "etcd"))
            if self._wants_postgres:
                self._start_postgres()
            self._stack = self._stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def postgres_version(self) -> str:
        """Of the server; empty where there is none."""
        return self._postgres.version if self._postgres is not None else ""

    def file(self, name: str) -> Path:
        """A new file name in the folder."""
        return self.folder / f"{next(self._numbers):03}-{name}"

    def options(self, variant: Variant) -> Mapping[str, Any]:
        """What a worker of the variant is told, on an empty store. Raises NoPostgres."""
        return {**variant.options, **self._where(variant)}

    def _where(self, variant: Variant) -> Mapping[str, Any]:
        match variant.store:
            case Store.ETCD:
                empty(self.etcd.endpoint)
                return {"endpoint": self.etcd.endpoint}
            case Store.MEMORY:
                return {"connection": "memory"}
            case Store.SQLITE:
                return {"connection": f"sqlite:///{self.file('sqlite')}"}
            case Store.POSTGRES:
                if self._postgres is None:
                    raise NoPostgres(self._no_postgres)
                database = self._postgres.create(f"bench{next(self._numbers)}")
                return {"connection": self._postgres.url(database, driver=variant.driver)}

    def _start_postgres(self) -> None:
        server = Postgres(self.folder / "postgresql", self.folder / "packages")
        try:
            self._postgres = self._stack.enter_context(server)
        except NoPostgres as error:
            self._no_postgres = str(error)


def empty(endpoint: str) -> None:
    """Remove all keys."""
    store = connect([endpoint])
    try:
        store.txn([], [DeletePrefix("/")])
    finally:
        store.close()


def filesystem(folder: Path) -> str:
    """The kind of filesystem that a folder is on, e.g. ``ext4``."""
    best, kind = "", ""
    for line in Path("/proc/mounts").read_text().splitlines():
        _, where, what, *_ = line.split()
        if folder.resolve().is_relative_to(where) and len(where) >= len(best):
            best, kind = where, what
    return kind
