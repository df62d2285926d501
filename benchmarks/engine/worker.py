"""``python -m benchmarks.engine.worker MODULE``: one process that runs flows on one engine.

Takes one JSON object a line and answers each with one. What libraries print goes to the log.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from benchmarks.engine.shapes import Shape
from esi_flows.engine.collecting import collect_rarely

Answer = dict[str, Any]


class Engine(Protocol):
    """What each module of ``benchmarks.engine.engines`` has under the name ``make_engine``."""

    def run(self, shapes: Sequence[Shape]) -> None:
        """Run flows side by side; returns when all of them have ended, durably."""

    def resume(self) -> None:
        """Go on with what a process that was killed has left; returns when it has ended."""

    def close(self) -> None:
        """Let go of threads and connections."""


MakeEngine = Callable[[Mapping[str, Any]], Engine]


def main() -> None:
    """Serve until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    module = importlib.import_module(sys.argv[1])
    engine: Engine = module.make_engine(json.loads(sys.argv[2]))
    collect_rarely()  # as the services do; everybody is given it
    _tell(answers, {"ready": True})
    for line in sys.stdin:
        _tell(answers, _serve(engine, json.loads(line)))
    engine.close()
    os._exit(0)  # libraries keep threads that nobody waits for


def _serve(engine: Engine, request: Mapping[str, Any]) -> Answer:
    shapes = [Shape.from_json(each) for each in request["shapes"]]
    if request["do"] == "each":
        return {"seconds": [_timed(engine, [shape]) for shape in shapes]}
    cpu = time.process_time()
    began = time.monotonic()
    if request["do"] == "all":
        engine.run(shapes)
    else:
        engine.resume()
    return {"began": began, "ended": time.monotonic(), "cpu": time.process_time() - cpu}


def _timed(engine: Engine, shapes: Sequence[Shape]) -> float:
    began = time.monotonic()
    engine.run(shapes)
    return time.monotonic() - began


def _tell(answers: Any, document: Answer) -> None:
    answers.write(json.dumps(document) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
