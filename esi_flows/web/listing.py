"""What the query of a list of groups asks for, and the links that ask for something else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from esi_flows.deployments.progress import Phase
from esi_flows.web.folders import ELSEWHERE, Folder
from esi_flows.web.groups import Row, Section, Wanted, by_need, sections

PAGE = 100
"""Groups on one page."""
FOLDED = 20
"""Groups of a section that are shown before somebody asks for the rest."""
FEW = 60
"""Up to so many groups are not folded unless somebody wants it."""
FOLDS = ("type", "deployment", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A list as its address says. What cannot be read is as if it were not there."""

    text: str = ""
    phase: Phase | None = None
    type: str = ""
    deployment: str = ""
    hide_done: bool = False
    fold: str = ""
    page: int = 1

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Query:
        """From the members of an address."""
        number, fold = query.get("page", ""), query.get("fold", "")
        phases = {phase.value: phase for phase in Phase}
        return cls(
            text=query.get("q", "").strip(),
            phase=phases.get(query.get("phase", "")),
            type=query.get("type", ""),
            deployment=query.get("deployment", ""),
            hide_done=query.get("hide") == "done",
            fold=fold if fold in FOLDS else "",
            page=max(1, int(number)) if number.isdecimal() and len(number) < 7 else 1,
        )

    def link(self, **changed: object) -> str:
        """The address of this list with something else asked for; it begins anew at page 1."""
        asked = {
            "q": self.text,
            "phase": self.phase.value if self.phase is not None else "",
            "type": self.type,
            "deployment": self.deployment,
            "hide": "done" if self.hide_done else "",
            "fold": self.fold,
            **changed,
        }
        told = urlencode({name: value for name, value in asked.items() if value})
        return f"/groups?{told}" if told else "/groups"


@dataclass(frozen=True, slots=True)
class Listing:
    """What is shown: sections, or one page of rows."""

    total: int
    sections: Sequence[Section]
    rows: Sequence[Row]
    pages: int
    fold: str


def list_groups(rows: Sequence[Row], folders: Sequence[Folder], query: Query) -> Listing:
    """The groups that a query asks for, failures first."""
    owners = {str(r): f.name for f in folders for r in f.resources()}
    names = None
    if query.deployment == ELSEWHERE:
        names = {str(row.record.resource) for row in rows} - owners.keys()
    elif query.deployment:
        names = {name for name, owner in owners.items() if owner == query.deployment}
    wanted = Wanted(
        text=query.text,
        phase=query.phase,
        type=query.type,
        hide_done=query.hide_done,
        names=names,
    )
    found = by_need(row for row in rows if wanted.chooses(row))
    narrowed = query.type or query.text or query.phase
    fold = query.fold or ("type" if len(found) > FEW and not narrowed else "none")
    if fold == "none":
        pages = max(1, -(-len(found) // PAGE))
        start = (min(query.page, pages) - 1) * PAGE
        return Listing(len(found), (), found[start : start + PAGE], pages, fold)
    titles = {row.name: row.record.resource.type for row in found}
    if fold == "deployment":
        titles = {r.name: owners.get(str(r.record.resource), ELSEWHERE) for r in found}
    return Listing(len(found), sections(found, titles, shown=FOLDED), (), 1, fold)
