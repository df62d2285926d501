"""How a service is at the moment: facts that it tells when it is asked, for health and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitals:
    """``lease_seconds``: what its lease has left for certain, 0 if it is lost."""

    is_synced: bool
    """Whether it knows what is stored: every prefix it follows has been read."""
    lease_seconds: float
    busy_seconds: Mapping[str, float]
    """How long each of its threads has been at its present piece of work; 0: it waits for some,
    infinite: it has ended.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """The unfinished groups of the whole store, as one conductor knows them."""

    waiting: int = 0
    """Groups that wait for others, or are suspended."""
    runnable: int = 0
    """Groups that could run and that nobody runs."""
    claimed: int = 0
    """Groups that some conductor runs."""
    oldest_runnable_seconds: float = 0.0
    """For how long this conductor has seen a group that could run and that nobody runs."""
    running: int = 0
    """Groups that this conductor runs."""
    changed_keys: int = 0
    """Keys of etcd that have changed and that this conductor has not looked at yet."""
    reads: bool = False
    """Whether it has the reader's role."""
    claims_lost: int = 0
    """Claims that were lost while their groups ran, since the start."""
