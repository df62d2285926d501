"""``python -m benchmarks.engine.profiling``: where the engine's time goes, as text.

Samples the process that runs 1,500 chains of 3 with py-spy, which needs no change to it, and counts
only threads that hold the interpreter. What is sampled is slowed down: shares count, not seconds.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from benchmarks import runner
from benchmarks.engine.bench import Bench
from benchmarks.engine.install import install
from benchmarks.engine.place import Place
from benchmarks.engine.shapes import chain
from benchmarks.engine.variants import VARIANTS
from benchmarks.machine import describe

_SPY = Path(sys.executable).parent / "py-spy"
_PER_SECOND = 500
_SECONDS_TO_ATTACH = 2.0
_FUNCTIONS = 45
_LIMIT = 120.0


def main() -> None:
    """Sample, and print the functions in which most samples were taken."""
    parser = runner.make_parser("benchmarks.engine.profiling", __doc__)
    parser.add_argument("--only", default="engine", metavar="TEXT", help="of which engine")
    parser.add_argument("--folder", type=Path, default=Path("/var/tmp"))
    given = parser.parse_args()
    install(("py-spy",))
    variant = next(v for v in VARIANTS if given.only.lower() in v.label.lower())
    with Place(given.folder, postgres=False) as place:
        stacks = list(_sample(Bench(place, variant, limit=_LIMIT, rounds=1)))
    text = "\n".join([f"{variant.label}, 1,500 chains of 3; {describe()}", "", *_text(stacks)])
    print(text)
    if given.json is not None:
        given.json.write_text(text + "\n")


def _sample(bench: Bench) -> Iterator[tuple[list[str], int]]:
    """Stacks, outermost function first, and how often each was seen."""
    target = bench.place.file("stacks")
    with bench.crew() as crew:
        crew[0].do("all", [chain(f"warm-{n}", 3) for n in range(20)], _LIMIT)
        options = ["--rate", str(_PER_SECOND), "--output", str(target), "--pid", str(crew[0].pid)]
        spy = subprocess.Popen(
            [_SPY, "record", "--gil", "--format", "raw", *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(_SECONDS_TO_ATTACH)
        crew[0].do("all", [chain(f"chain-{n}", 3) for n in range(1500)], _LIMIT)
        spy.send_signal(signal.SIGINT)
        spy.wait()
    for line in target.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        yield [_function(frame) for frame in stack.split(";")], int(count)


def _text(stacks: Iterable[tuple[list[str], int]]) -> Iterator[str]:
    within, itself = Counter[str](), Counter[str]()
    for frames, count in stacks:
        itself[frames[-1]] += count
        within.update(dict.fromkeys(frames, count))
    total = max(itself.total(), 1)
    for title, counted in (("and all below it", within), ("itself", itself)):
        yield f"share  function {title}"
        for function, count in counted.most_common(_FUNCTIONS):
            yield f"{count / total:6.1%} {function}"
        yield ""


def _function(frame: str) -> str:
    """Of ``name (path:line)`` what says the same on every machine."""
    name, _, where = frame.rpartition(" (")
    path = where.rpartition(":")[0]
    return f"{name} ({path.rpartition('site-packages/')[2] or path})"


if __name__ == "__main__":
    main()
