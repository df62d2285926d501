"""What TaskFlow calls to read and to save; how what is to be written is written is left open."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from taskflow import exceptions as tf_exceptions
from taskflow import states
from taskflow.persistence import base, models

from esi_flows.engine import details, layout
from esi_flows.engine.places import Places
from esi_flows.model.errors import TooLarge
from esi_flows.store.base import KeyValue, Range
from esi_flows.store.etcd import MAX_REQUEST_BYTES

MAX_RECORD_BYTES = MAX_REQUEST_BYTES - 8192
"""Bytes of one record, which has to fit into one request with what is compared."""
LOOSE = "00000000-0000-0000-0000-000000000000"
"""The uuid of the logbook, and of its flow, of what is saved with ``ignore_missing``."""


class Reading(Protocol):
    """What is asked of a store to load details."""

    def get(self, key: str) -> KeyValue | None:
        """The key, or None."""

    def range(self, prefix: str) -> Range:
        """Every key that starts with ``prefix``."""


class DetailConnection(base.Connection, abc.ABC):  # type: ignore[misc]  # TaskFlow is untyped
    """A connection up to writing. Raises taskflow's NotFound for what is not there, DocumentInvalid
    for what cannot be read, TooLarge for what is over etcd's limits before anything is written.
    """

    def __init__(
        self,
        backend: base.Backend,
        store: Reading,
        *,
        root: str,
        places: Places,
        lazy_atoms: bool,
        saves_again: bool,
    ) -> None:
        """``lazy_atoms``: leave out atoms to which nothing has happened; ``saves_again``: save all
        atoms with their flow, not only those never met, as engines may have changed them.
        """
        self._backend = backend
        self._reading = store
        self._root = root
        self._places = places
        self._lazy_atoms = lazy_atoms
        self._saves_again = saves_again

    @property
    def backend(self) -> base.Backend:
        """The backend this connection belongs to."""
        return self._backend

    def close(self) -> None:
        """Nothing to release: the backend owns the store."""

    def upgrade(self) -> None:
        """Nothing to prepare: keys come with their first write."""

    def validate(self) -> None:
        """Ask etcd once. Raises what the store raises."""
        self._reading.get(layout.books(self._root))

    def update_atom_details(
        self, atom_detail: models.AtomDetail, ignore_missing: bool = False
    ) -> models.AtomDetail:
        """Save an atom of a flow that is saved, or of none with ``ignore_missing``."""
        try:
            flow = self._flow_of(atom_detail.uuid)
        except tf_exceptions.NotFound:
            if not ignore_missing:
                raise
            loose = models.FlowDetail("without a flow", LOOSE)
            loose.add(atom_detail)
            self.update_flow_details(loose, ignore_missing=True)
            return atom_detail
        book = self._book_of(flow)
        self._write(book, self._atom_put(layout.flow_prefix(self._root, book, flow), atom_detail))
        return atom_detail

    def update_flow_details(
        self, flow_detail: models.FlowDetail, ignore_missing: bool = False
    ) -> models.FlowDetail:
        """Save a flow of a book that is saved, or of none with ``ignore_missing``."""
        try:
            book = self._book_of(flow_detail.uuid)
        except tf_exceptions.NotFound:
            if not ignore_missing:
                raise
            loose = models.LogBook("without a logbook", LOOSE)
            loose.add(flow_detail)
            self.save_logbook(loose)
        else:
            self._write(book, self._flow_puts(book, flow_detail))
        return flow_detail

    def save_logbook(self, book: models.LogBook) -> models.LogBook:
        """Save a book, its flows and their atoms: first atoms, then their flow, last the book."""
        key = layout.book_key(self._root, layout.segment(book.uuid))
        puts: dict[str, bytes] = {}
        for flow in book:
            puts.update(self._flow_puts(book.uuid, flow))
        self._write_book(
            book.uuid, puts, _checked(details.encode_book(book), f"logbook {book.name!r}", key)
        )
        for flow in book:
            self._places.book_of_flow[flow.uuid] = book.uuid
        return book

    def get_logbook(self, book_uuid: str, lazy: bool = False) -> models.LogBook:
        """Load a book; its flows with their atoms unless ``lazy``."""
        found = self._reading.get(layout.book_key(self._root, book_uuid))
        if found is None:
            raise tf_exceptions.NotFound(f"No logbook with the uuid {book_uuid!r} in etcd")
        return self._make_book(found, lazy=lazy)

    def get_logbooks(self, lazy: bool = False) -> Iterator[models.LogBook]:
        """Load every book."""
        for item in self._reading.range(layout.books(self._root)).items:
            yield self._make_book(item, lazy=lazy)

    def get_flows_for_book(self, book_uuid: str, lazy: bool = False) -> Iterator[models.FlowDetail]:
        """Load the flows of a book in one read."""
        flows = self._flows_of(book_uuid)
        if not flows:
            self.get_logbook(book_uuid, lazy=True)
        for flow, items in flows.items():
            yield self.assemble(book_uuid, flow, items, lazy=lazy)

    def get_flow_details(self, fd_uuid: str, lazy: bool = False) -> models.FlowDetail:
        """Load a flow with its atoms in one read; without them, when ``lazy``."""
        book = self._book_of(fd_uuid)
        prefix = layout.flow_prefix(self._root, book, fd_uuid)
        if not lazy:
            return self.assemble(book, fd_uuid, self._reading.range(f"{prefix}/").items)
        found = self._reading.get(f"{prefix}/flow")
        return self.assemble(book, fd_uuid, [found] if found else [])

    def assemble(
        self, book_uuid: str, fd_uuid: str, items: Iterable[KeyValue], *, lazy: bool = False
    ) -> models.FlowDetail:
        """A flow from the keys below its own. Raises taskflow's NotFound, DocumentInvalid."""
        prefix = layout.flow_prefix(self._root, book_uuid, fd_uuid)
        by_key = {item.key: item.value for item in items}
        key = f"{prefix}/flow"
        if key not in by_key:
            self._places.book_of_flow.pop(fd_uuid, None)
            raise tf_exceptions.NotFound(f"No flow with the uuid {fd_uuid!r} in etcd")
        self._places.book_of_flow[fd_uuid] = book_uuid
        flow = details.decode_flow(key, by_key[key])
        if not lazy:
            for atom_key, raw in by_key.items():
                if atom_key.startswith(f"{prefix}/atoms/"):
                    atom = details.decode_atom(atom_key, raw)
                    self._places.put_atom(atom.uuid, fd_uuid)
                    flow.add(atom)
        return flow

    def get_atoms_for_flow(self, fd_uuid: str) -> Iterator[models.AtomDetail]:
        """Load the atoms of a flow."""
        yield from self.get_flow_details(fd_uuid)

    def get_atom_details(self, ad_uuid: str) -> models.AtomDetail:
        """Load one atom."""
        flow = self._flow_of(ad_uuid)
        prefix = layout.flow_prefix(self._root, self._book_of(flow), flow)
        key = f"{prefix}/atoms/{ad_uuid}"
        found = self._reading.get(key)
        if found is None:
            self._places.flow_of_atom.pop(ad_uuid, None)
            raise tf_exceptions.NotFound(f"No atom with the uuid {ad_uuid!r} in etcd")
        return details.decode_atom(key, found.value)

    @abc.abstractmethod
    def _write(self, book: str, puts: Mapping[str, bytes]) -> None:
        """Write records into a book that is there, in order."""

    @abc.abstractmethod
    def _write_book(self, book: str, puts: Mapping[str, bytes], record: bytes) -> None:
        """Write records, in order, and then that of their book."""

    def _make_book(self, item: KeyValue, *, lazy: bool) -> models.LogBook:
        book = details.decode_book(item.key, item.value)
        updated_at = book.updated_at
        if not lazy:
            for flow, items in self._flows_of(book.uuid).items():
                book.add(self.assemble(book.uuid, flow, items))
            # adding counts as a change, but loading is none
            book.updated_at = updated_at
        return book

    def _flows_of(self, book: str) -> dict[str, list[KeyValue]]:
        """The keys of each flow of a book; without flows that are not written completely yet."""
        flows: dict[str, list[KeyValue]] = {}
        prefix = layout.flows_of(self._root, book)
        for item in self._reading.range(prefix).items:
            flows.setdefault(item.key.removeprefix(prefix).partition("/")[0], []).append(item)
        return {
            flow: items
            for flow, items in flows.items()
            if any(item.key == f"{prefix}{flow}/flow" for item in items)
        }

    def _flow_puts(self, book: str, flow: models.FlowDetail) -> dict[str, bytes]:
        prefix = layout.flow_prefix(self._root, book, layout.segment(flow.uuid))
        puts: dict[str, bytes] = {}
        for atom in flow:
            is_new = atom.uuid not in self._places.flow_of_atom
            if is_new:
                self._places.put_atom(atom.uuid, flow.uuid)
            if self._saves_again or (is_new and not (self._lazy_atoms and _is_untouched(atom))):
                puts.update(self._atom_put(prefix, atom))
        key = f"{prefix}/flow"
        puts[key] = _checked(details.encode_flow(flow), f"flow {flow.name!r}", key)
        return puts

    def _atom_put(self, prefix: str, atom: models.AtomDetail) -> dict[str, bytes]:
        key = f"{prefix}/atoms/{atom.uuid}"
        return {key: _checked(details.encode_atom(atom), f"atom {atom.name!r}", key)}

    def _flow_of(self, atom_uuid: str) -> str:
        """The flow of an atom; of one that this process has not met, by looking at all flows."""
        known = self._places.flow_of_atom.get(atom_uuid)
        if known is not None:
            return known
        for item in self._reading.range(layout.flows(self._root)).items:
            if item.key.endswith(f"/atoms/{atom_uuid}"):
                book, flow = item.key.split("/")[-4:-2]
                self._places.book_of_flow[flow] = book
                self._places.put_atom(atom_uuid, flow)
                return flow
        raise tf_exceptions.NotFound(f"No atom with the uuid {atom_uuid!r} in etcd")

    def _book_of(self, flow_uuid: str) -> str:
        """The book of a flow; of one that this process has not met, by asking for it in each."""
        known = self._places.book_of_flow.get(flow_uuid)
        if known is not None:
            return known
        prefix = layout.books(self._root)
        for item in self._reading.range(prefix).items:
            book = item.key.removeprefix(prefix)
            if self._reading.get(f"{layout.flow_prefix(self._root, book, flow_uuid)}/flow"):
                self._places.book_of_flow[flow_uuid] = book
                return book
        raise tf_exceptions.NotFound(f"No flow with the uuid {flow_uuid!r} in etcd")


def _is_untouched(atom: models.AtomDetail) -> bool:
    return (
        atom.state in (None, states.PENDING)
        and atom.intention == states.EXECUTE
        and not (atom.results or atom.meta or atom.failure or atom.revert_failure)
    )


def _checked(raw: bytes, what: str, key: str) -> bytes:
    if len(raw) > MAX_RECORD_BYTES:
        raise TooLarge(
            f"{what} is {len(raw)} bytes, etcd takes {MAX_RECORD_BYTES} in one record ({key});"
            " nothing of it was written",
            hint="keep what is large elsewhere, and return or note where it is",
        )
    return raw
