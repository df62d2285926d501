"""The pages: what each of them shows."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment
from starlette.requests import Request
from starlette.responses import Response

from esi_flows.history.courses import Course, of_resource
from esi_flows.model import keys
from esi_flows.model.errors import EsiFlowsError, InvalidInput
from esi_flows.model.jobs import Job
from esi_flows.steering import quarantine
from esi_flows.store.base import Store
from esi_flows.web.access import Sessions
from esi_flows.web.drawing import MOST, drawing
from esi_flows.web.folders import Folder, standing
from esi_flows.web.groups import Row, by_need, counted
from esi_flows.web.listing import Query, list_groups
from esi_flows.web.live import Live, holder_of
from esi_flows.web.render import page
from esi_flows.web.sent import Sender, Sent
from esi_flows.web.story import story

VISIT_COOKIE = "esi_flows_visit"


@dataclass(frozen=True, slots=True)
class Site:
    """What pages are made of. ``acts``: whether they have buttons."""

    live: Live
    store: Store
    environment: Environment
    sessions: Sessions
    folders: Sequence[Folder]
    acts: bool

    def answer(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """A page, with what all pages have."""
        visit = request.cookies.get(VISIT_COOKIE, "") or secrets.token_urlsafe(18)
        rows = self.live.rows()
        text = self.environment.get_template(template).render(
            counts=counted(row.phase for row in rows),
            quarantined=len(self.live.items(keys.QUARANTINE)),
            pause=self.live.pause(),
            conductors=len(self.live.items(keys.CONDUCTORS)),
            revision=self.live.revision,
            is_synced=self.live.is_synced,
            here=request.url.path,
            back=request.url.path,
            person=getattr(request.state, "person", ""),
            acts=self.acts,
            proof=self.sessions.form_proof(visit),
            **values,
        )
        answer = page(request, text, status)
        if self.acts and VISIT_COOKIE not in request.cookies:
            answer.set_cookie(VISIT_COOKIE, visit, httponly=True, samesite="strict")
        return answer

    def deployments(self, request: Request) -> Response:
        """All deployments, what needs somebody, and what happened last."""
        found = [standing(folder, self.live) for folder in self.folders]
        rows = by_need(self.live.rows())
        return self.answer(
            request,
            "deployments.html",
            standings=found,
            attention=[row for row in rows if row.phase.bad][:12],
            moving=[row for row in rows if not row.record.state.ended and row.holder][:12],
            events=self.live.events()[:15],
        )

    def deployment(self, request: Request) -> Response:
        """One deployment, step by step."""
        folder = self._folder(request)
        if folder is None:
            return self.missing(request, "there is no such deployment")
        drawn = len(self._rows(folder))
        return self.answer(
            request,
            "deployment.html",
            standing=standing(folder, self.live),
            drawn=drawn if drawn <= MOST else 0,
        )

    def graph(self, request: Request) -> Response:
        """The graph of one deployment, as a picture."""
        folder = self._folder(request)
        if folder is None:
            return self.missing(request, "there is no such deployment")
        try:
            return drawing(request, self.live, folder.name, self._rows(folder)[:MOST])
        except InvalidInput as error:
            return self.refused(request, error)

    def _folder(self, request: Request) -> Folder | None:
        name = request.path_params["name"]
        return next((folder for folder in self.folders if folder.name == name), None)

    def _rows(self, folder: Folder) -> list[Row]:
        found = (self.live.newest(resource) for resource in folder.resources())
        return [row for row in found if row is not None]

    def groups(self, request: Request) -> Response:
        """The list of groups."""
        query = Query.read(request.query_params)
        rows = self.live.rows()
        return self.answer(
            request,
            "groups.html",
            query=query,
            listing=list_groups(rows, self.folders, query),
            every=len(rows),
            types=sorted({row.record.resource.type for row in rows}),
            deployments=[folder.name for folder in self.folders],
        )

    def group(self, request: Request) -> Response:
        """One group in depth."""
        row = self.live.row(request.path_params["name"])
        if row is None:
            return self.missing(request, f"there is no group {request.path_params['name']}")
        sent, courses, problem = self._stored(row)
        return self.answer(
            request,
            "group.html",
            row=row,
            held_up_by=self.live.held_up_by(row),
            waiters=self.live.waiters(row.name),
            story=story(row),
            sent=sent,
            courses=courses,
            problem=problem,
            commands=list(_commands(row)),
        )

    def quarantine(self, request: Request) -> Response:
        """Documents that cannot be used."""
        found = [quarantine.read_entry(item) for item in self.live.items(keys.QUARANTINE)]
        return self.answer(request, "quarantine.html", entries=found)

    def conductors(self, request: Request) -> Response:
        """Who is live, and what each of them has."""
        claims: dict[str, list[str]] = {}
        for item in self.live.items(keys.CONDUCTORS):
            claims[item.key.removeprefix(keys.CONDUCTORS)] = []
        for item in self.live.items(keys.CLAIMS):
            claims.setdefault(holder_of(item), []).append(item.key.removeprefix(keys.CLAIMS))
        orphans = [row for row in self.live.rows() if row.is_orphan]
        return self.answer(request, "conductors.html", claims=claims, orphans=orphans)

    def missing(self, request: Request, what: str) -> Response:
        """The page that says that there is no such thing."""
        return self.answer(request, "told.html", 404, title="Not found", what=what, hint="")

    def refused(self, request: Request, error: EsiFlowsError) -> Response:
        """The page that says why something cannot be done."""
        return self.answer(
            request, "told.html", 409, title="Not done", what=error.message, hint=error.hint
        )

    def _stored(self, row: Row) -> tuple[list[Sent], list[Course], str]:
        """What only the store has of a group, and why not where it does not answer."""
        try:
            sender = Sender(self.store, self.live.catalog, row.record.resource)
            sent = [sender.next(job) for job in self._jobs(row)]
            last = sender.last()
            courses = of_resource(self.store, row.record.resource)
        except EsiFlowsError as error:
            return [], [], error.message
        return [*sent, *([last] if last is not None else [])], courses, ""

    def _jobs(self, row: Row) -> Iterator[Job]:
        if row.record.state.ended:
            return
        for job_id in row.record.job_ids:
            found = self.live.get(keys.job(job_id))
            if found is not None:
                yield Job.decode(found.key, found.value)


def _commands(row: Row) -> Iterator[tuple[str, str]]:
    """What to type next, and what it does."""
    resource = row.record.resource
    if row.phase.bad:
        yield (
            f"esi-flows retry {resource}",
            "tries again what failed, and what was cancelled for it",
        )
        yield f"esi-flows history show {row.name}", "tells how it went"
    elif not row.record.state.ended:
        if row.want.value == "suspend":
            yield f"esi-flows resume {resource}", "lets it go on from where it stopped"
        else:
            yield f"esi-flows suspend {resource}", "stops it at its next safe point"
        yield f"esi-flows cancel {resource}", "stops it, and reverts what it has done"
        yield "esi-flows events --follow", "shows what happens, as it happens"
    else:
        yield f"esi-flows history show {row.name}", "tells how it went"
    yield f"esi-flows status {resource}", "shows the resource with its outputs and monitoring"
