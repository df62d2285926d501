"""What is measured: engines with their stores and numbers of processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Store(StrEnum):
    """Where an engine keeps what it must not forget."""

    ETCD = "etcd"
    POSTGRES = "PostgreSQL"
    SQLITE = "SQLite"
    MEMORY = "memory, nothing durable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One line of the table."""

    name: str
    module: str
    store: Store
    workloads: frozenset[str]
    processes: int = 1
    options: Mapping[str, Any] = field(default_factory=dict)
    requirements: tuple[str, ...] = ()
    """What pip installs for it."""
    driver: str = ""
    """The PostgreSQL driver, as SQLAlchemy's URLs name it."""
    share: float = 1.0
    """Of the chains that others run at once: less for what would take minutes."""
    standby: bool = False
    """Whether a second process waits to take over, rather than being started after the crash."""

    @property
    def label(self) -> str:
        """Name, store and number of processes, in words."""
        processes = f", {self.processes} processes" if self.processes > 1 else ""
        return f"{self.name} on {self.store}{processes}"


_ENGINES = "benchmarks.engine.engines"
_ALL = frozenset(("w1", "w2", "w2-1500", "w3a", "w3b", "layers-100", "layers-5000", "growth"))
_PSYCOPG = "psycopg[binary]>=3.2,<4"
_SQLALCHEMY = ("SQLAlchemy>=2,<3", "SQLAlchemy-Utils", "alembic>=1.13,<2")
_STOCK = frozenset(("w1", "w2", "w3a", "w3b", "layers-100", "w4"))

VARIANTS = (
    Variant(
        name="ESI Flows engine",
        module=f"{_ENGINES}.ours",
        store=Store.ETCD,
        workloads=_ALL | {"writes"},
    ),
    Variant(
        name="ESI Flows engine",
        module=f"{_ENGINES}.ours",
        store=Store.ETCD,
        workloads=frozenset(("w2", "w2-1500")),
        processes=2,
    ),
    Variant(
        name="ESI Flows conductor",
        module=f"{_ENGINES}.conductor",
        options={"lease_seconds": 5},
        store=Store.ETCD,
        workloads=frozenset(
            ("w1", "w2", "w2-1500", "w3a", "w3b", "layers-100", "w4", "writes", "idle")
        ),
        standby=True,
    ),
    Variant(
        name="ESI Flows conductor",
        module=f"{_ENGINES}.conductor",
        options={"lease_seconds": 5},
        store=Store.ETCD,
        workloads=frozenset(("w2", "w2-1500")),
        processes=2,
    ),
    Variant(
        name="ESI Flows, intents",
        module=f"{_ENGINES}.intents",
        store=Store.ETCD,
        workloads=frozenset(("intents",)),
    ),
    Variant(
        name="TaskFlow",
        module=f"{_ENGINES}.taskflow_stock",
        store=Store.MEMORY,
        workloads=_STOCK - {"w4"},
    ),
    Variant(
        name="TaskFlow",
        module=f"{_ENGINES}.taskflow_stock",
        store=Store.MEMORY,
        workloads=frozenset(("w2",)),
        processes=2,
    ),
    Variant(
        name="TaskFlow",
        module=f"{_ENGINES}.taskflow_stock",
        store=Store.SQLITE,
        workloads=_STOCK,
        requirements=_SQLALCHEMY,
        share=0.2,
    ),
    Variant(
        name="TaskFlow",
        module=f"{_ENGINES}.taskflow_stock",
        store=Store.POSTGRES,
        workloads=_STOCK,
        requirements=(*_SQLALCHEMY, _PSYCOPG),
        share=0.2,
        driver="+psycopg",
    ),
    Variant(
        name="DBOS Transact",
        module=f"{_ENGINES}.dbos_transact",
        store=Store.POSTGRES,
        workloads=frozenset(("w1", "w2", "w2-1500", "w3a", "w3b", "layers-100", "w4")),
        options={"threads": 4},
        requirements=("dbos>=3.4,<4", _PSYCOPG),
        driver="+psycopg",
    ),
    Variant(
        name="DBOS Transact",
        module=f"{_ENGINES}.dbos_transact",
        store=Store.POSTGRES,
        workloads=frozenset(("w2", "w2-1500")),
        processes=2,
        options={"threads": 2},
        requirements=("dbos>=3.4,<4", _PSYCOPG),
        driver="+psycopg",
    ),
)
