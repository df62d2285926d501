"""The state of a flow under way."""

from __future__ import annotations

import collections
import threading
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from taskflow import exceptions as tf_exceptions
from taskflow import states, storage, task
from taskflow.engines.action_engine.actions import base
from taskflow.persistence import models
from taskflow.utils import misc

_NAMESPACE = uuid.UUID("0b2f7a0e-53c4-4d0b-8f5e-1c7f0a6f3f55")

_TURNED_ROUND = (states.REVERTING, states.REVERTED, states.REVERT_FAILURE)


class PlainStorage(storage.Storage):  # type: ignore[misc]  # TaskFlow is untyped
    """Changes details where they are, saves each change once, and tries nothing twice.

    Stock TaskFlow copies a detail before each change, takes a readers-writer lock of its own making
    around each look at one, and wraps every save in up to three attempts, five seconds apart,
    while it holds that lock: together 60 % of the CPU that is left when nothing is quadratic any
    more, and 10 s in which nothing goes on. Retries are the backend's, which knows whether one can
    help: a lost claim is none of those.

    Atoms have uuids that follow from their flow and name, so a backend need not store the ones to
    which nothing has happened yet. That a flow is being reverted is not saved with each of its
    atoms: it follows, on loading, from any one that has got that far.

    For flows without retries only.
    """

    def __init__(
        self, flow_detail: models.FlowDetail, backend: Any = None, scope_fetcher: Any = None
    ) -> None:
        super().__init__(flow_detail, backend=backend, scope_fetcher=scope_fetcher)
        self._lock = _PlainLock()
        self._connection = self._backend.get_connection()
        # only the ones that have failed: stock asks all atoms for failures with every revert
        self._failures: dict[str, dict[str, Any]] = collections.defaultdict(
            dict, {name: found for name, found in self._failures.items() if found}
        )
        self._failures_told: dict[str, dict[str, Any]] = {}
        self._details: dict[str, models.AtomDetail] = {atom.name: atom for atom in flow_detail}
        self._turned_round = self._recall_reversion()

    def ensure_atoms(self, atoms: Iterable[task.Task]) -> list[str]:
        """Make what details are missing; the uuids of all. Raises taskflow's Duplicate."""
        with self._lock.write_lock():
            made = []
            uuids = []
            for atom in atoms:
                detail = self._details.get(atom.name)
                if detail is None:
                    detail = self._make_detail(atom)
                    made.append(detail)
                elif not isinstance(detail, models.TaskDetail):
                    raise tf_exceptions.Duplicate(f"Atom detail {atom.name!r} is not a task's")
                uuids.append(detail.uuid)
                if atom.save_as:
                    self._set_result_mapping(atom.name, atom.save_as)
            if made:
                self._connection.update_flow_details(self._flowdetail)
            if self._turned_round:
                for detail in made:
                    detail.intention = states.REVERT
            return uuids

    def change_atom(
        self, name: str, state: str, progress: float | None = None, result: Any = None
    ) -> None:
        """Change an atom's state, what it has brought, and its progress, in one save."""
        with self._lock.write_lock():
            detail = self._detail(name)
            if progress is not None:
                detail.meta[storage.META_PROGRESS] = progress
            if state in base.Action.SAVE_RESULT_STATES:
                self._put(detail, result, state)
            else:
                detail.state = state
            self._connection.update_atom_details(detail)

    def save(self, atom_name: str, result: Any, state: str = states.SUCCESS) -> None:
        """Keep a result, with the state that goes with it."""
        with self._lock.write_lock():
            detail = self._detail(atom_name)
            if self._put(detail, result, state):
                self._connection.update_atom_details(detail)

    def set_atom_state(self, atom_name: str, state: str) -> None:
        """Set an atom's state."""
        with self._lock.write_lock():
            detail = self._detail(atom_name)
            if detail.state != state:
                detail.state = state
                self._connection.update_atom_details(detail)

    def set_atom_intention(self, atom_name: str, intention: str) -> None:
        """Set what is to become of an atom.

        REVERT is saved with the atom's next change only: see :class:`PlainStorage`.
        """
        detail = self._detail(atom_name)
        if detail.intention != intention:
            detail.intention = intention
            if intention != states.REVERT:
                with self._lock.write_lock():
                    self._connection.update_atom_details(detail)

    def set_task_progress(
        self, task_name: str, progress: float, details: Mapping[str, Any] | None = None
    ) -> None:
        """Note how far a task is; saved if that is news."""
        detail = self._detail(task_name)
        if details is not None or detail.meta.get(storage.META_PROGRESS) != progress:
            super().set_task_progress(task_name, progress, details)

    def set_flow_state(self, state: str) -> None:
        """Set the flow's state."""
        with self._lock.write_lock():
            self._flowdetail.state = state
            self._connection.update_flow_details(self._flowdetail)

    def get_flow_state(self) -> str:
        """The flow's state."""
        state: str = self._flowdetail.state or states.PENDING
        return state

    def get_atom_state(self, atom_name: str) -> str:
        """An atom's state."""
        state: str = self._detail(atom_name).state
        return state

    def get_atom_intention(self, atom_name: str) -> str:
        """What is to become of an atom."""
        intention: str = self._detail(atom_name).intention
        return intention

    def get_atom_uuid(self, atom_name: str) -> str:
        """An atom's uuid."""
        found: str = self._detail(atom_name).uuid
        return found

    def get_atoms_states(self, atom_names: Iterable[str]) -> dict[str, tuple[str, str]]:
        """The states and intentions of several atoms."""
        found = ((name, self._detail(name)) for name in atom_names)
        return {name: (detail.state, detail.intention) for name, detail in found}

    def fetch_mapped_args(self, args_mapping: Mapping[str, str], **options: Any) -> dict[str, Any]:
        """The arguments for a task; at once where it takes none."""
        if not args_mapping:
            return {}
        arguments: dict[str, Any] = super().fetch_mapped_args(args_mapping, **options)
        return arguments

    def fetch_unsatisfied_args(
        self, atom_name: str, args_mapping: Mapping[str, str], **options: Any
    ) -> set[str]:
        """The arguments that nothing provides; at once where there are none to provide."""
        if not args_mapping:
            return set()
        missing: set[str] = super().fetch_unsatisfied_args(atom_name, args_mapping, **options)
        return missing

    def reset(self, atom_name: str, state: str = states.PENDING) -> None:
        """Forget what an atom has brought."""
        super().reset(atom_name, state)
        self._failures_told.clear()

    def _get_failures(self, fail_cache_key: str) -> dict[str, Any]:
        # every revert is told all failures: gathered once, for all of a great fan may fail
        if fail_cache_key not in self._failures_told:
            self._failures_told[fail_cache_key] = super()._get_failures(fail_cache_key)
        return dict(self._failures_told[fail_cache_key])

    def _with_connection(self, functor: Any, *args: Any, **kwargs: Any) -> Any:
        return functor(self._connection, *args, **kwargs)

    def _save_flow_detail(
        self, conn: Any, original_flow_detail: models.FlowDetail, flow_detail: models.FlowDetail
    ) -> models.FlowDetail:
        # what the backend returns is left alone: nobody else writes this flow
        conn.update_flow_details(flow_detail)
        self._details = {atom.name: atom for atom in flow_detail}
        return original_flow_detail.update(flow_detail)

    def _save_atom_detail(
        self, conn: Any, original_atom_detail: models.AtomDetail, atom_detail: models.AtomDetail
    ) -> models.AtomDetail:
        conn.update_atom_details(atom_detail)
        return original_atom_detail.update(atom_detail)

    def _detail(self, name: str) -> models.AtomDetail:
        try:
            return self._details[name]
        except KeyError:
            raise tf_exceptions.NotFound(f"Unknown atom name {name!r}") from None

    def _make_detail(self, atom: task.Task) -> models.TaskDetail:
        if not atom.name:
            raise ValueError("Task name must be non-empty")
        found = uuid.uuid5(_NAMESPACE, f"{self._flowdetail.uuid}/{atom.name}")
        detail = models.TaskDetail(atom.name, str(found))
        detail.state = states.PENDING
        detail.version = misc.get_version_string(atom)
        self._flowdetail.add(detail)
        self._details[atom.name] = detail
        self._atom_name_to_uuid[atom.name] = detail.uuid
        return detail

    def _put(self, detail: models.AtomDetail, result: Any, state: str) -> bool:
        altered: bool = detail.put(state, result)
        if state in (states.FAILURE, states.REVERT_FAILURE):
            self._failures[detail.name][detail.intention] = result
            self._failures_told.clear()
        elif state == states.SUCCESS and detail.intention == states.EXECUTE:
            self._check_all_results_provided(detail.name, result)
        return altered

    def _recall_reversion(self) -> bool:
        """Where one atom shows that the flow was being reverted, all are to be."""
        atoms = self._details.values()
        if not any(a.state in _TURNED_ROUND or a.intention == states.REVERT for a in atoms):
            return False
        for atom in atoms:
            atom.intention = states.REVERT
        return True


class _PlainLock:
    """An ordinary lock where TaskFlow looks for one with readers and writers."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def read_lock(self) -> threading.RLock:
        return self._lock

    write_lock = read_lock
