"""How phases, times and names are written on pages."""

from __future__ import annotations

import re
import time
from urllib.parse import quote

from esi_flows.deployments.progress import Phase
from esi_flows.model.steering import Want

_UUID = re.compile(
    r"(?<![0-9a-f-])(?:([0-9a-f]{8})(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|([0-9a-f]{8})[0-9a-f]{24})"
    r"(?![0-9a-f-])"
)

ORDERED = {
    Want.RUN: "resumed",
    Want.SUSPEND: "told to suspend",
    Want.CANCEL: "told to cancel",
    Want.RETRY: "told to retry",
}


def css(phase: Phase) -> str:
    """The class of a phase, and the name of its sign.

    >>> css(Phase.IGNORED)
    'ignored'
    """
    return {Phase.IGNORED: "ignored", Phase.NOT_RUN: "not-run"}.get(phase, phase.value)


def short(text: object) -> str:
    """The text with long ids cut to their first eight characters, enough to tell them apart."""
    return _UUID.sub(lambda found: found[1] or found[2], str(text))


def seconds(value: float) -> str:
    """A duration to read: ``0.04s``, ``2.3s``, ``41s``, ``2m14s``, ``1h02m``."""
    if value < 1:
        return f"{value:.2f}s"
    if value < 9.95:
        return f"{value:.1f}s"
    whole = round(value)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def moment(at: float) -> str:
    """A time of this place: ``12:04:05``, with the day where that is not today."""
    when = time.localtime(at)
    today = when[:3] == time.localtime()[:3]
    return time.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S", when)


def moment_utc(at: float) -> str:
    """A time for machines: ``2026-11-24T12:04:05.123Z``."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))
    return f"{whole}.{int(at * 1000) % 1000:03d}Z"


def url(text: object) -> str:
    """A name as a part of a path, whatever characters it has."""
    return quote(str(text), safe=":")
