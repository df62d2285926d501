"""Installs what an engine needs into the environment that the benchmarks run in."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from functools import cache


class NotInstalled(Exception):
    """pip could not install it; the message says why."""


@cache
def install(requirements: Sequence[str]) -> None:
    """Have pip install them; it does nothing where they are there. Raises NotInstalled."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    if not requirements:
        return
    done = subprocess.run(
        [*pip, *requirements], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise NotInstalled(lines[-1] if lines else f"pip ended with {done.returncode}")
