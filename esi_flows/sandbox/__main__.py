"""The cloud as a process: ``python -m esi_flows.sandbox --data DIR``.

Prints its environment as JSON on one line when it is ready; stops on SIGTERM, SIGINT and, if asked
to, when the process that started it dies.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import signal
import sys
import threading
import time
from pathlib import Path

from esi_flows.model.errors import EsiFlowsError
from esi_flows.sandbox.cloud import Cloud

_PARENT_CHECK_SECONDS = 1.0


def main(arguments: list[str] | None = None) -> int:
    """Run until told to stop. Exit code 1 where the cloud cannot be started."""
    parent = os.getppid()
    options = _parser().parse_args(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        cloud = Cloud(
            options.data,
            speed=options.speed,
            port=options.port,
            token_seconds=options.token_seconds,
            real_names=options.real_names,
        )
        cloud.start()
    except EsiFlowsError as error:
        hint = f" ({error.hint})" if error.hint else ""
        print(f"esi_flows.sandbox: {error.message}{hint}", file=sys.stderr)
        return 1
    try:
        print(json.dumps(cloud.environment()), flush=True)
        if options.parent_dies:
            threading.Thread(target=_watch, args=(parent, stop), daemon=True).start()
        stop.wait()
    finally:
        cloud.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m esi_flows.sandbox", description="A simulated Keystone and Heat."
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the cloud's state")
    parser.add_argument(
        "--speed", type=float, default=1.0, help="how many times faster than recorded (1)"
    )
    parser.add_argument("--port", type=int, default=0, help="port on loopback (0: the last or any)")
    parser.add_argument(
        "--token-seconds", type=float, default=3600.0, help="life of a token (3600)"
    )
    parser.add_argument(
        "--real-names", action="store_true", help="attributes as a real backend gives them"
    )
    parser.add_argument(
        "--parent-dies", action="store_true", help="stop when the starting process dies"
    )
    return parser


def _watch(parent: int, stop: threading.Event) -> None:
    # a process that is gone already, or is not ours to open, has been replaced as parent
    try:
        handle = os.pidfd_open(parent) if os.getppid() == parent else None
    except (AttributeError, OSError):
        while os.getppid() == parent:
            time.sleep(_PARENT_CHECK_SECONDS)
        handle = None
    if handle is not None:
        select.select([handle], [], [])
    stop.set()


if __name__ == "__main__":
    sys.exit(main())
