"""The benchmark of engines runs what it says, on all processes, and counts what that took."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.engine import crash, report, workloads, writes
from benchmarks.engine.bench import Bench, typical
from benchmarks.engine.load import Meter, Patience
from benchmarks.engine.place import NotOnDisk, Place, filesystem
from benchmarks.engine.postgres import NoPostgres, Postgres, find_programs
from benchmarks.engine.process import Broken, Worker
from benchmarks.engine.report import Measured
from benchmarks.engine.shapes import Shape, chain, layers, wide
from benchmarks.engine.variants import VARIANTS, Store, Variant
from tests.needs import missing

ENGINE, CONDUCTOR, INTENTS = (
    next(v for v in VARIANTS if v.module.endswith(name))
    for name in ("ours", "conductor", "intents")
)
STOCK = next(v for v in VARIANTS if v.store is Store.MEMORY)


@pytest.fixture(scope="module")
def place(etcd_program: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Place(tmp_path_factory.mktemp("bench"), postgres=False, anywhere=True) as started:
        yield started


def bench(place: Place, variant: Variant) -> Bench:
    return Bench(place, variant, limit=30, rounds=1)


@pytest.mark.parametrize(
    "shape", [chain("c", 5), wide("w", 7), layers("l", 4, 5, 3)], ids=lambda shape: shape.name
)
def test_a_step_waits_for_steps_of_the_layer_before_only(shape: Shape) -> None:
    layer = {step.name: step.layer for step in shape.steps}
    for step in shape.steps:
        assert {layer[before] for before in step.after} <= {step.layer - 1}
        assert bool(step.after) == bool(step.layer)
    assert sum(map(len, shape.layers())) == len(shape.steps)
    assert Shape.from_json(shape.to_json()) == shape


def test_each_step_of_a_layer_waits_for_as_many_as_told() -> None:
    shape = layers("l", 10, 100, 3)
    assert len(shape.steps) == 1000
    assert {len(step.after) for step in shape.steps if step.layer} == {3}


def test_a_chain_of_three_takes_a_transaction_per_wave_one_to_begin_and_one_to_end(
    place: Place,
) -> None:
    figures = writes.writes(bench(place, ENGINE))
    assert figures["chain_of_3_transactions"] == 6  # the claim, four of the flow, the end
    assert figures["chain_of_3_proposals"] >= figures["chain_of_3_transactions"]
    assert figures["300_chains_transactions"] < 300
    assert figures["chain_of_3_bytes"] > 1000


@pytest.mark.parametrize("variant", [ENGINE, CONDUCTOR, STOCK], ids=lambda v: v.label)
def test_a_flow_runs_to_its_end(place: Place, variant: Variant) -> None:
    figures = bench(place, variant).together(lambda name: [layers(name, 3, 4, 2)])
    assert figures["steps_per_s"] == pytest.approx(12 / figures["seconds"], rel=0.05)
    assert figures["engine_cpu_s"] > 0


def test_two_processes_share_the_flows(place: Place) -> None:
    two = replace(ENGINE, processes=2)
    figures = workloads.throughput(20)(bench(place, two))
    assert figures["steps_per_s"] > 0


def test_intents_come_to_their_states(place: Place) -> None:
    with bench(place, INTENTS).crew() as crew:
        crew[0].do("all", [chain(f"i{number}", 1) for number in range(5)], 30)
        answer = crew[0].do("each", [chain("late", 1)], 30)
    assert len(answer["seconds"]) == 1


def test_every_step_is_noted_where_a_crash_is_measured(place: Place) -> None:
    journal = place.file("journal")
    with bench(place, ENGINE).crew(journal=journal) as crew:
        crew[0].do("all", [chain("noted", 3)], 30)
        begun = crash.read(journal)
        assert [each.pid for each in begun] == [crew[0].pid] * 3
    assert len({each.step for each in begun}) == 3


def test_a_worker_that_cannot_begin_says_why(tmp_path: Path) -> None:
    worker = Worker("benchmarks.engine.engines.nothing", {}, tmp_path / "log")
    with pytest.raises(Broken, match="No module named"):
        worker.wait_ready()
    worker.close()


def test_what_children_use_is_ours() -> None:
    meter = Meter()
    burn = "import time\nwhile time.process_time() < 0.5: pass"
    subprocess.run([sys.executable, "-c", burn], check=True)
    assert meter.read().ours >= 0.45


def test_rounds_that_others_disturbed_do_not_count_where_there_are_quiet_ones() -> None:
    rounds = [
        {"seconds": seconds, "others_cores": others}
        for seconds, others in ((9, 1.2), (3, 0.0), (2, 0.1), (1, 0.9), (4, 0.05))
    ]
    assert typical(rounds)["seconds"] == 3
    assert typical([rounds[0], rounds[3]])["seconds"] == 1


def test_without_patience_nobody_waits() -> None:
    began = time.monotonic()
    Patience(0).wait_quiet()
    assert time.monotonic() - began < 0.2


def test_nothing_is_measured_in_memory(tmp_path: Path) -> None:
    assert filesystem(Path("/proc/self")) == "proc"
    shared_memory = Path("/dev/shm")
    if filesystem(shared_memory) != "tmpfs":
        missing("/dev/shm is no tmpfs")
    with pytest.raises(NotOnDisk, match="--folder"), Place(shared_memory, postgres=False):
        pass


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can enter: root's PostgreSQL is one of them."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_private_postgresql_takes_connections(open_folder: Path) -> None:
    try:
        find_programs(open_folder)
    except NoPostgres as reason:
        missing(str(reason))
    with Postgres(open_folder / "server", open_folder / "packages") as server:
        assert server.create("one") in server.url("one")
        with pytest.raises(NoPostgres, match="already exists"):
            server.create("one")


def test_more_is_better_or_worse_as_the_figure_has_it() -> None:
    measured = [
        Measured(workload="w1", variant="ours", figures={"median_ms": 5.0, "p95_ms": 6.0}),
        Measured(workload="w1", variant="theirs", figures={"median_ms": 10.0, "p95_ms": 6.0}),
        Measured(workload="w2", variant="ours", figures={"steps_per_s": 9, "cpu_ms_per_step": 1}),
        Measured(workload="w2", variant="theirs", figures={}, error="> 60 s"),
        Measured(workload="w2", variant="absent", figures={}, error="cannot be installed"),
    ]
    assert "| theirs | 10 | 6 | > 60 s |" in report.comparison(measured)
    assert "| than theirs | 2.00 | 1.00 |" in report.ratios(measured, "ours")
    assert "w2, absent: cannot be installed" in list(report.missing(measured))
