"""Where the program begins.

Exit codes: 0 done or nothing to do, 1 an error or bad input, 2 a job failed, 4 the store cannot be
reached, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from esi_flows.cli import interrupts


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; the exit code."""
    try:
        with interrupts.at_once():
            # everything else is imported where Ctrl-C is in hand already
            from esi_flows.cli.application import run

            return run(sys.argv[1:] if argv is None else argv)
    except KeyboardInterrupt:
        sys.stderr.write(interrupts.MESSAGE)
        return interrupts.EXIT_INTERRUPTED


if __name__ == "__main__":
    sys.exit(main())
