"""Orders that people give on a page: recorded with who gave them, as those of the commands are."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from esi_flows.model.errors import EsiFlowsError, InvalidInput
from esi_flows.model.steering import Order, Pause, Want
from esi_flows.steering import orders, quarantine, retry, service
from esi_flows.web.site import VISIT_COOKIE, Site

MAX_FORM_BYTES = 16 * 1024
MAX_REASON = 500

Form = Mapping[str, str]
Act = Callable[[Site, Form, str], None]


async def read_form(request: Request) -> Form | None:
    """The members of a form; None where it is too large."""
    raw = b""
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_FORM_BYTES:
            return None
    return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))


async def act(site: Site, request: Request) -> Response:
    """Do what a form asks for, if it is one of ours; then back to where it was."""
    if not site.acts:
        return PlainTextResponse("these pages are for looking only\n", 403)
    done = ACTS.get(request.path_params["verb"])
    form = await read_form(request)
    if done is None or form is None:
        return PlainTextResponse("there is no such action\n", 404)
    if not site.sessions.is_ours(request.cookies.get(VISIT_COOKIE, ""), form.get("proof", "")):
        return PlainTextResponse("the form is not from this page; load the page again\n", 403)
    try:
        await run_in_threadpool(done, site, form, f"{request.state.person} (web)")
    except EsiFlowsError as error:
        return await run_in_threadpool(site.refused, request, error)
    back = form.get("back", "/")
    is_local = back.startswith("/") and not back.startswith(("//", "/\\"))
    return RedirectResponse(back if is_local else "/", 303)


def _order(want: Want, form: Form, by: str) -> Order:
    return Order(want=want, by=by, at=time.time(), reason=form.get("reason", "")[:MAX_REASON])


def _give(want: Want) -> Act:
    def give(site: Site, form: Form, by: str) -> None:
        orders.give(site.store, form.get("group", ""), _order(want, form, by))

    return give


def _retry(site: Site, form: Form, by: str) -> None:
    row = site.live.row(form.get("group", ""))
    if row is None:
        raise InvalidInput("there is no such group")
    order = _order(Want.RETRY, form, by)
    retry.retry(site.store, site.live.catalog, row.record.resource, order)


def _pause(site: Site, form: Form, by: str) -> None:
    reason = form.get("reason", "")[:MAX_REASON]
    service.pause(site.store, Pause(by=by, at=time.time(), reason=reason))


def _unpause(site: Site, form: Form, by: str) -> None:
    service.unpause(site.store)


def _requeue(site: Site, form: Form, by: str) -> None:
    found = quarantine.find(site.store, form.get("key", ""))
    if not quarantine.requeue(site.store, found, by=by):
        raise InvalidInput(f"{found.key} has just changed", hint="look at it again")


def _drop(site: Site, form: Form, by: str) -> None:
    quarantine.drop(site.store, quarantine.find(site.store, form.get("key", "")), by=by)


ACTS: Mapping[str, Act] = {
    "suspend": _give(Want.SUSPEND),
    "resume": _give(Want.RUN),
    "cancel": _give(Want.CANCEL),
    "retry": _retry,
    "pause": _pause,
    "unpause": _unpause,
    "requeue": _requeue,
    "drop": _drop,
}
