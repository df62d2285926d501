"""What reaches etcd: counted by the store's revisions, and by etcd itself."""

from __future__ import annotations

import re
import time
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from benchmarks.engine.bench import Bench
from benchmarks.engine.shapes import Shape, chain, layers
from esi_flows.store.etcd import connect

_METRICS = {
    "proposals": "etcd_server_proposals_committed_total",
    "puts": "etcd_debugging_mvcc_put_total",
    "bytes": "etcd_network_client_grpc_received_bytes_total",
}
_IDLE_SECONDS = 15.0
_SETTLE_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Counted:
    """Totals of one etcd. ``revisions`` counts the transactions that changed anything."""

    revisions: int
    proposals: float
    puts: float
    bytes: float

    @classmethod
    def now(cls, endpoint: str) -> Self:
        """Ask etcd. Proposals are raft's: leases and transactions that were refused count too."""
        store = connect([endpoint])
        try:
            revision = store.range("/nothing/").revision
        finally:
            store.close()
        with urllib.request.urlopen(f"{endpoint}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        return cls(revision, **{name: _metric(text, of) for name, of in _METRICS.items()})

    def since(self, before: Counted, name: str) -> dict[str, float]:
        """What was added, under names that begin with ``name``."""
        return {
            f"{name}_transactions": self.revisions - before.revisions,
            f"{name}_proposals": self.proposals - before.proposals,
            f"{name}_puts": self.puts - before.puts,
            f"{name}_bytes": self.bytes - before.bytes,
        }


def writes(bench: Bench) -> Mapping[str, float]:
    """Of one flow of several shapes, and of 300 at once."""
    groups: Mapping[str, Sequence[Shape]] = {
        "chain_of_3": [chain("count-3", 3)],
        "fan_of_100": [layers("count-fan", 1, 100, 0)],
        "layers_of_100": [layers("count-layers", 10, 10, 3)],
        "300_chains": [chain(f"count-{n}", 3) for n in range(300)],
    }
    figures: dict[str, float] = {}
    with bench.crew() as crew:
        crew[0].do("all", [chain("count-warm", 3)], bench.limit)
        for name, shapes in groups.items():
            before = _settled(bench)
            crew[0].do("all", shapes, bench.limit)
            figures |= _settled(bench).since(before, name)
    return figures


def idle(bench: Bench) -> Mapping[str, float]:
    """Of a process that has nothing to do: each second."""
    with bench.crew() as crew:
        crew[0].do("all", [chain("idle-warm", 3)], bench.limit)
        before = _settled(bench)
        time.sleep(_IDLE_SECONDS)
        found = Counted.now(bench.place.etcd.endpoint).since(before, "idle")
    return {f"{name}_per_s": round(value / _IDLE_SECONDS, 2) for name, value in found.items()}


def _settled(bench: Bench) -> Counted:
    time.sleep(_SETTLE_SECONDS)
    return Counted.now(bench.place.etcd.endpoint)


def _metric(text: str, name: str) -> float:
    found = re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE)
    return float(found.group(1)) if found else 0.0
