"""Looks for drift: one list of stacks per project, then at each stack that is recorded."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from esi_flows.catalog.types import Catalog
from esi_flows.drift.compare import Told, compare, hidden, of_status
from esi_flows.drift.recorded import RecordedStack, Records, read
from esi_flows.drift.types import Difference, Kind, Looked, Report
from esi_flows.handlers.heat.view import CloudUnreadable, HeatView, SeenStack
from esi_flows.model import keys
from esi_flows.model.jobs import ResourceRef
from esi_flows.planning.redact import Redactor, secret_names
from esi_flows.planning.snapshot import Snapshot
from esi_flows.store.base import ReadStore

AT_ONCE = 8
"""How many questions Heat is asked at a time."""

_Lists = Mapping[str, Mapping[str, SeenStack] | CloudUnreadable]


def look(
    store: ReadStore,
    catalog: Catalog,
    view: Callable[[str], HeatView],
    *,
    only: Collection[ResourceRef] | None = None,
    ignore: Collection[Kind] = (),
) -> Report:
    """Where Heat differs from what is recorded, of some resources (None: of all).

    ``view`` gives the view of a project. What ``ignore`` names is not asked for either. Raises
    StoreError, DocumentInvalid; what Heat does not tell is told in the report.
    """
    snapshot = Snapshot.take(store)
    records = read(snapshot, catalog, only)
    report = _Look(records, catalog, view, frozenset(ignore)).report(only)
    moved = {
        each.resource
        for each in (*report.drifted, *report.unseen)
        if _has_moved(each.resource, store, snapshot, catalog)
    }
    return Report(
        tuple(each for each in report.looked if each.resource not in moved),
        tuple(sorted({*report.busy, *moved})),
    )


def _has_moved(
    resource: ResourceRef, store: ReadStore, snapshot: Snapshot, catalog: Catalog
) -> bool:
    """Whether a job has worked on it since: Heat was asked later than the store."""
    path = catalog.path(resource)
    for key in (keys.heat_stack(path), keys.stack_record(path)):
        found = store.get(key)
        if (found.mod_revision if found is not None else 0) != snapshot.modified(key):
            return True
    now = store.range(f"{keys.GROUPS}{resource}:").items
    return any(snapshot.modified(item.key) != item.mod_revision for item in now)


class _Look:
    def __init__(
        self,
        records: Records,
        catalog: Catalog,
        view: Callable[[str], HeatView],
        ignore: frozenset[Kind],
    ) -> None:
        self._records = records
        self._catalog = catalog
        self._ignore = ignore
        self._names = secret_names(catalog)
        # made one after the other: what makes them may not be used by several threads
        self._views = {project: view(project) for project in sorted(records.projects)}

    def report(self, only: Collection[ResourceRef] | None) -> Report:
        quiet = [s for s in self._records.stacks if s.resource not in self._records.busy]
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="drift") as pool:
            projects = list(self._views)
            lists = dict(zip(projects, pool.map(self._list, projects), strict=True))
            looked = list(pool.map(lambda stack: self._look_at(stack, lists), quiet))
        looked += self._unknown(lists, only)
        told = [self._shown(each) for each in looked]
        busy = (r for r in self._records.busy if only is None or r in only)
        return Report(tuple(sorted(told, key=lambda each: each.resource)), tuple(sorted(busy)))

    def _list(self, project: str) -> Mapping[str, SeenStack] | CloudUnreadable:
        try:
            return {stack.name: stack for stack in self._views[project].stacks()}
        except CloudUnreadable as error:
            return error

    def _look_at(self, recorded: RecordedStack, lists: _Lists) -> Looked:
        stack = recorded.stack
        looked = Looked(resource=recorded.resource, stack=stack.name, project=stack.tenant_id)
        listed = lists.get(stack.tenant_id)
        if listed is None:
            return replace(looked, problem="the project of the stack is not recorded")
        if isinstance(listed, CloudUnreadable):
            return replace(looked, problem=listed.message)
        seen = listed.get(stack.name)
        if seen is None or seen.status == "DELETE_COMPLETE":
            return replace(looked, differences=(Difference(Kind.MISSING),))
        try:
            told = self._ask(seen, self._views[stack.tenant_id], recorded)
        except CloudUnreadable as error:
            return replace(looked, differences=tuple(of_status(seen)), problem=error.message)
        return replace(
            looked,
            differences=tuple(compare(recorded, told, self._names)),
            hidden=hidden(told.environment),
            problem="" if recorded.sent is not None else "what was sent to Heat is not recorded",
        )

    def _ask(self, seen: SeenStack, view: HeatView, recorded: RecordedStack) -> Told:
        sent = recorded.sent is not None
        parameters = sent and Kind.PARAMETERS not in self._ignore
        return Told(
            seen,
            template=view.template(seen) if sent and Kind.TEMPLATE not in self._ignore else None,
            environment=view.environment(seen) if parameters else None,
            outputs=view.outputs(seen) if Kind.OUTPUTS not in self._ignore else None,
            failures=view.failures(seen) if seen.status.endswith("_FAILED") else (),
        )

    def _unknown(self, lists: _Lists, only: Collection[ResourceRef] | None) -> Iterator[Looked]:
        """Stacks that are named as ours and of which nothing is recorded."""
        known = {(each.stack.tenant_id, each.stack.name) for each in self._records.stacks}
        for project, listed in lists.items():
            for seen in listed.values() if isinstance(listed, Mapping) else ():
                resource = named(seen.name, self._catalog)
                if resource is None or (project, seen.name) in known:
                    continue
                if resource in self._records.busy or (only is not None and resource not in only):
                    continue
                found = Difference(Kind.UNKNOWN, seen.status)
                yield Looked(
                    resource=resource, stack=seen.name, project=project, differences=(found,)
                )

    def _shown(self, looked: Looked) -> Looked:
        """As it may be told: less what is ignored, and nothing secret in it."""
        kept = [each for each in looked.differences if each.kind not in self._ignore]
        if not kept:
            return replace(looked, differences=())
        redactor = Redactor(self._names, self._secret_holders(looked))
        return replace(
            looked,
            differences=tuple(
                replace(
                    each,
                    text=redactor.text(each.text),
                    values=tuple(redactor.parameter(change) for change in each.values),
                    lines=tuple(redactor.text(line) for line in each.lines),
                )
                for each in kept
            ),
        )

    def _secret_holders(self, looked: Looked) -> list[dict[str, object]]:
        holders = [dict(body) for body in self._records.bodies]
        for each in self._records.stacks:
            if each.resource == looked.resource:
                holders.append({"output": list(each.stack.output)})
                holders.append(dict(each.sent.parameters) if each.sent is not None else {})
        return holders


def named(stack: str, catalog: Catalog) -> ResourceRef | None:
    """The resource whose stack would have this name, None where it is no name of ours."""
    types = [known for known in catalog.types if stack.startswith(f"{known}_")]
    if not types:
        return None
    kind = max(types, key=len)  # types begin as others do: public_ip, public
    identifier = stack.removeprefix(f"{kind}_")
    return ResourceRef(kind, identifier) if identifier else None
