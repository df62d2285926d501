"""The graph of a deployment as a picture, drawn from the copy in memory."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable

from starlette.requests import Request
from starlette.responses import Response

from esi_flows.model import keys
from esi_flows.model.errors import DocumentInvalid
from esi_flows.model.jobs import Job
from esi_flows.views.model import Mode
from esi_flows.views.recorded import of_records
from esi_flows.views.svg import svg
from esi_flows.web.groups import Row
from esi_flows.web.live import Live
from esi_flows.web.render import page

MOST = 300
"""Groups of a picture that somebody can still read."""

_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def drawing(request: Request, live: Live, name: str, rows: Iterable[Row]) -> Response:
    """The groups of these rows, and what waits for what. Raises InvalidInput."""
    shown = list(rows)
    graph = of_records(
        [row.record for row in shown],
        name=name,
        mode=Mode.LIVE,
        catalog=live.catalog,
        atoms=live.atoms(),
        jobs=_jobs(live, shown),
    )
    text = svg(graph)
    answer = page(request, text)
    answer.headers["Content-Type"] = "image/svg+xml"
    answer.headers["Content-Security-Policy"] = _policy(text)
    return answer


def _jobs(live: Live, rows: Iterable[Row]) -> dict[str, Job]:
    found = {}
    for row in rows:
        for job_id in row.record.job_ids:
            item = live.get(keys.job(job_id))
            try:
                if item is not None:
                    found[job_id] = Job.decode(item.key, item.value)
            except DocumentInvalid:
                continue  # the conductor tells so in its quarantine
    return found


def _policy(text: str) -> str:
    """Nothing but the styles that are in the picture."""
    digests = [hashlib.sha256(found.encode()).digest() for found in _STYLE.findall(text)]
    told = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return f"default-src 'none'; style-src {told or chr(39) + 'none' + chr(39)}"
