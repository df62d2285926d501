"""What figures were measured on, in general words: enough to compare, nothing to identify."""

from __future__ import annotations

import os
import platform


def describe() -> str:
    """Processor, cores, memory, system and Python."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return (
        f"{platform.machine()}, {os.cpu_count()} cores, {pages / 2**30:.0f} GiB, "
        f"{platform.system()}, {platform.python_implementation()} {platform.python_version()}"
    )
