"""A conductor killed with -9 at any of its writes: another goes on, and the end is the same."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from esi_flows.model import keys
from esi_flows.store.base import DeletePrefix
from esi_flows.store.embedded import EmbeddedEtcd
from tests.conductor.conftest import World, network, port
from tests.conductor.crashing import DONE, MADE, PATHS, CountingStore, make_conductor

ROOT = Path(__file__).parents[2]
SUFFIX = re.compile(r":[a-z0-9]{5}(?=$|\"|;| )")
VOLATILE = (
    "attempts",
    "claims",
    "conductor",
    "interruptions",
    "posted_at",
    "started_at",
    "ended_at",
    "waited_seconds",
)


def without_what_differs(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_what_differs(v) for k, v in value.items() if k not in VOLATILE}
    if isinstance(value, list):
        return [without_what_differs(element) for element in value]
    return SUFFIX.sub("", value) if isinstance(value, str) else value


def picture(world: World) -> dict[str, Any]:
    """Everything in the store but who works, and when and how often they tried."""
    shown = {}
    ignored = (keys.CLAIMS, keys.CONDUCTORS, keys.MARKERS, keys.HISTORY, DONE)
    for item in world.store.range("/").items:
        if not item.key.startswith(ignored):
            shown[SUFFIX.sub("", item.key)] = without_what_differs(json.loads(item.value))
    return shown


def begin(world: World) -> None:
    """An empty store, in which a network and a port that reads it are wanted."""
    world.store.txn([], [DeletePrefix("/")])
    world.want(network("n1"))
    world.want(port("p1"), network_id="n1")


def go_on(world: World, fails: str) -> int:
    """A conductor that nobody disturbs does what is left; how many transactions it made."""
    counting = CountingStore(world.store)
    conductor = make_conductor(counting, world.store, fails)
    conductor.start()
    try:
        for path in PATHS:
            world.state(path)
    finally:
        conductor.stop()
    return counting.count


def crash(etcd: EmbeddedEtcd, world: World, fails: str, number: int, moment: str) -> bool:
    """A conductor that is killed at a write; False if it has not come to that write."""
    command = [sys.executable, "-m", "tests.conductor.crashing"]
    ended = subprocess.run(
        [*command, etcd.endpoint, fails, str(number), moment], cwd=ROOT, timeout=30, check=False
    )
    # its lease ends by itself some seconds later; that it is over is all that matters here
    for item in world.store.range(keys.CONDUCTORS).items:
        world.store.revoke(item.lease)
    assert ended.returncode in (0, -signal.SIGKILL)
    return ended.returncode != 0


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("fails", ["", "monitoring_worker:network"], ids=["success", "revert"])
def test_killed_at_any_write_the_end_is_that_of_an_undisturbed_run(
    etcd: EmbeddedEtcd, world: World, fails: str, moment: str
) -> None:
    begin(world)
    writes = go_on(world, fails)
    wanted = picture(world)
    killed = 0
    # what is done between two writes is lost "before" the second: "after" may look less often
    for number in range(1, writes + 1, 1 if moment == "before" else 3):
        begin(world)
        killed += crash(etcd, world, fails, number, moment)
        go_on(world, fails)
        assert picture(world) == wanted, f"killed {moment} write {number} of {writes}"
        # done again is only what was under way, and no more than once
        done = [int(item.value) for item in world.store.range(DONE).items]
        assert max(done) <= 2
        assert sum(done) <= len(done) + 1
    assert killed >= (8 if moment == "before" else 3)


def test_an_undisturbed_run_leaves_what_was_wanted(world: World) -> None:
    begin(world)
    go_on(world, "")
    made = [item.key for item in world.store.range(MADE).items]
    assert [key.rpartition("/")[2] for key in made] == ["network:n1", "port:p1", "network:n1"]
    begin(world)
    go_on(world, "monitoring_worker:network")
    assert world.store.range(MADE).items == ()
    assert world.read(keys.state(port("p1")))["error"].startswith("canceled: ")
