"""How often Python looks for garbage in a process that keeps many flows."""

from __future__ import annotations

import gc

_YOUNG, _MIDDLE, _OLD = 50_000, 20, 100


def collect_rarely() -> None:
    """Let the collector look seldom, and never at what is there already.

    A flow is some hundred objects that live until it ends and then go by themselves. By default the
    collector goes through all of them again and again: a quarter of the processor time with 1,500
    flows at once. To be called once, when a service has been set up.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
