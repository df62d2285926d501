"""``python -m benchmarks.engine``: our engine and others, side by side."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib import metadata
from pathlib import Path

from benchmarks import runner
from benchmarks.engine import limits, report
from benchmarks.engine.bench import Bench
from benchmarks.engine.install import NotInstalled, install
from benchmarks.engine.load import Patience
from benchmarks.engine.place import NotOnDisk, Place
from benchmarks.engine.postgres import NoPostgres
from benchmarks.engine.process import Broken, TooSlow
from benchmarks.engine.report import Measured
from benchmarks.engine.variants import VARIANTS, Store, Variant
from benchmarks.engine.workloads import WORKLOADS
from benchmarks.machine import describe
from esi_flows.model.errors import ServerError
from esi_flows.store.embedded.binary import etcd_version, obtain_etcd

ALONE = ("growth", "writes", "idle", "intents")
"""Workloads whose figures are compared with nobody's."""


def main() -> int:
    """Measure, print, write."""
    given = _parser().parse_args()
    if given.show is not None:
        _show([Measured(**each) for each in json.loads(given.show.read_text())["measured"]])
        return 0
    # ended by its parent, it still ends its servers and workers
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    variants = [v for v in VARIANTS if given.only.lower() in v.label.lower()]
    needs_postgres = any(v.store is Store.POSTGRES for v in variants)
    try:
        with Place(given.folder, postgres=needs_postgres) as place:
            document = _measure(place, variants, given)
    except (NotOnDisk, ServerError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    runner.write_json(document, given.json)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = runner.make_parser("benchmarks.engine", __doc__)
    parser.add_argument(
        "workloads", nargs="*", metavar="WORKLOAD", help=f"of {', '.join(WORKLOADS)}; default: all"
    )
    parser.add_argument("--show", type=Path, metavar="FILE", help="print written figures again")
    parser.add_argument("--only", default="", metavar="TEXT", help="engines whose name has TEXT")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median counts")
    parser.add_argument("--limit", type=float, default=40.0, help="seconds that one run may take")
    parser.add_argument(
        "--patience", type=float, default=120.0, help="seconds to wait for others to be quiet"
    )
    parser.add_argument(
        "--folder", type=Path, default=Path("/var/tmp"), help="where the servers' data is put"
    )
    return parser


def _measure(
    place: Place, variants: Sequence[Variant], given: argparse.Namespace
) -> dict[str, object]:
    machine = f"{describe()}; {_versions(place)}"
    print(machine)
    can_do = {
        **limits.interpreter(),
        **limits.disk(place.folder),
        **limits.etcd(place.etcd.endpoint),
    }
    print(runner.table(("limit", "per second"), ((k, f"{v:,.0f}") for k, v in can_do.items())))
    measured = []
    for each in _each(place, variants, given):
        measured.append(each)
        print(f"{each.workload}, {each.variant}: {each.error or dict(each.figures)}", flush=True)
    _show(measured)
    return {"machine": machine, "limits": can_do, "measured": [asdict(each) for each in measured]}


def _show(measured: Sequence[Measured]) -> None:
    print(f"\n{report.comparison(measured)}\n")
    print(f"{report.ratios(measured, VARIANTS[0].label)}\n")
    print(report.listing(measured, ALONE))
    print("\n".join(report.missing(measured)))


def _each(
    place: Place, variants: Sequence[Variant], given: argparse.Namespace
) -> Iterator[Measured]:
    """Workload by workload, so that engines that are compared are measured close in time."""
    patience = Patience(given.patience)
    for name in given.workloads or WORKLOADS:
        for variant in variants:
            if name in variant.workloads:
                yield _one(
                    name,
                    Bench(
                        place, variant, limit=given.limit, rounds=given.rounds, patience=patience
                    ),
                )


def _one(name: str, bench: Bench) -> Measured:
    variant = bench.variant
    error = ""
    try:
        install(variant.requirements)
        figures = WORKLOADS[name].measure(bench)
    except TooSlow:
        figures, error = {}, f"> {bench.limit:.0f} s"
    except (Broken, NotInstalled, NoPostgres) as reason:
        figures, error = {}, str(reason)
    return Measured(workload=name, variant=variant.label, figures=figures, error=error)


def _versions(place: Place) -> str:
    known = {"etcd": etcd_version(obtain_etcd())}
    if place.postgres_version:
        known["PostgreSQL"] = place.postgres_version
    for package in ("taskflow", "dbos"):
        try:
            known[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return ", ".join(f"{name} {version}" for name, version in known.items())


if __name__ == "__main__":
    sys.exit(main())
