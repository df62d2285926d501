"""TaskFlow's persistence on etcd, registered as ``taskflow.persistence: etcd``.

Keys below ``path`` (default ``/esi-flows/persistence``)::

    books/<book>                      the logbook
    flows/<book>/<flow>/flow          the flow detail
    flows/<book>/<flow>/atoms/<atom>  one atom detail

The flows of a book are one range, and so is a flow with its atoms: loading is one read. TaskFlow
only ever saves whole objects of which this process has the newest, so nothing is read before it is
written. A flow or an atom that is asked for by its uuid alone is looked for where this process has
not met it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from taskflow import exceptions as tf_exceptions
from taskflow import states
from taskflow.persistence import base, models

from esi_flows.engine import details
from esi_flows.engine.writer import DirectWriter, Writer
from esi_flows.model import keys
from esi_flows.store.base import Delete, DeletePrefix, KeyValue, Put, Store, absent
from esi_flows.store.etcd import connect

GROUPS_BOOK = "e0d4ad10-315f-5a4a-aa7a-e594bf8d0032"
"""The uuid of the logbook that has the flows of all job groups, the same in every process."""


class EtcdBackend(base.Backend):  # type: ignore[misc]
    """Persistence backend. ``conf``: ``connection`` (``etcd://host:port``, or ``etcd`` for the one
    on this host), optional ``path``.

    With ``store`` and ``writer`` it works inside the product: on a store that is already open, and
    fenced by a claim. With ``lazy_atoms`` saving a flow leaves out the atoms to which nothing has
    happened yet: for engines that make the same atoms, with the same uuids, again when they resume.
    """

    def __init__(
        self,
        conf: Mapping[str, Any],
        *,
        store: Store | None = None,
        writer: Writer | None = None,
        lazy_atoms: bool = False,
    ) -> None:
        super().__init__(dict(conf))
        self._owned: Store | None = None
        if store is None:
            store = self._owned = connect([_endpoint(str(conf.get("connection", "etcd")))])
        self.store = store
        self.writer = writer if writer is not None else DirectWriter(store)
        self.root = str(conf.get("path", keys.PERSISTENCE)).rstrip("/")
        self.lazy_atoms = lazy_atoms
        self.book_of_flow: dict[str, str] = {}
        self.flow_of_atom: dict[str, str] = {}

    def get_connection(self) -> EtcdConnection:
        """A connection; they share everything and cost nothing."""
        return EtcdConnection(self)

    def close(self) -> None:
        """Make everything durable and close the store if it was opened here."""
        self.writer.flush()
        if self._owned is not None:
            self._owned.close()


class EtcdConnection(base.Connection):  # type: ignore[misc]
    """What TaskFlow calls. Raises taskflow's NotFound for what is not there."""

    def __init__(self, backend: EtcdBackend) -> None:
        self._backend = backend
        self._store = backend.store
        self._writer = backend.writer

    @property
    def backend(self) -> EtcdBackend:
        """The backend this connection belongs to."""
        return self._backend

    def close(self) -> None:
        """Nothing to release: the backend owns the store."""

    def upgrade(self) -> None:
        """Nothing to prepare: keys come with their first write."""

    def validate(self) -> None:
        """Ask etcd once. Raises StoreUnavailable."""
        self._store.get(f"{self._backend.root}/")

    def clear_all(self) -> None:
        """Remove every book, flow and atom below the path."""
        self._writer.flush()
        self._store.txn([], [DeletePrefix(f"{self._backend.root}/")])
        self._backend.book_of_flow.clear()
        self._backend.flow_of_atom.clear()

    def update_atom_details(
        self, atom_detail: models.AtomDetail, ignore_missing: bool = False
    ) -> models.AtomDetail:
        """Save an atom of a flow that is already saved."""
        flow = self._flow_of(atom_detail.uuid)
        self._writer.put(self._atom_key(flow, atom_detail.uuid), details.encode_atom(atom_detail))
        return atom_detail

    def update_flow_details(
        self, flow_detail: models.FlowDetail, ignore_missing: bool = False
    ) -> models.FlowDetail:
        """Save a flow of a book that is already saved, and its atoms that have never been saved."""
        prefix = self._flow(flow_detail.uuid)
        for atom in flow_detail:
            if atom.uuid not in self._backend.flow_of_atom:
                self._backend.flow_of_atom[atom.uuid] = flow_detail.uuid
                if not (self._backend.lazy_atoms and _is_untouched(atom)):
                    self.update_atom_details(atom)
        self._writer.put(f"{prefix}/flow", details.encode_flow(flow_detail))
        return flow_detail

    def save_logbook(self, book: models.LogBook) -> models.LogBook:
        """Save a book, its flows and their atoms; the book itself last."""
        for flow in book:
            self._backend.book_of_flow[flow.uuid] = book.uuid
            self.update_flow_details(flow)
        self._writer.put(self._book(book.uuid), details.encode_book(book))
        return book

    def destroy_logbook(self, book_uuid: str) -> None:
        """Remove a book and everything in it."""
        self.get_logbook(book_uuid, lazy=True)
        self._store.txn([], [DeletePrefix(self._flows(book_uuid)), Delete(self._book(book_uuid))])
        known = self._backend
        gone = {flow for flow, book in known.book_of_flow.items() if book == book_uuid}
        known.book_of_flow = {f: b for f, b in known.book_of_flow.items() if f not in gone}
        known.flow_of_atom = {a: f for a, f in known.flow_of_atom.items() if f not in gone}

    def get_logbook(self, book_uuid: str, lazy: bool = False) -> models.LogBook:
        """Load a book; its flows with their atoms unless ``lazy``."""
        key = self._book(book_uuid)
        found = self._store.get(key)
        if found is None:
            raise tf_exceptions.NotFound(f"No logbook with the uuid {book_uuid!r} in etcd")
        book = details.decode_book(key, found.value)
        if not lazy:
            for flow in self.get_flows_for_book(book_uuid):
                book.add(flow)
        return book

    def get_logbooks(self, lazy: bool = False) -> Iterator[models.LogBook]:
        """Load every book."""
        for book in self._books():
            yield self.get_logbook(book, lazy=lazy)

    def get_flows_for_book(self, book_uuid: str, lazy: bool = False) -> Iterator[models.FlowDetail]:
        """Load the flows of a book in one read."""
        flows: dict[str, list[KeyValue]] = {}
        prefix = self._flows(book_uuid)
        for item in self._store.range(prefix).items:
            flows.setdefault(item.key.removeprefix(prefix).partition("/")[0], []).append(item)
        for flow, items in flows.items():
            yield self.assemble(book_uuid, flow, items, lazy=lazy)

    def get_flow_details(self, fd_uuid: str, lazy: bool = False) -> models.FlowDetail:
        """Load a flow with its atoms (without, when ``lazy``) in one read."""
        items = self._store.range(f"{self._flow(fd_uuid)}/").items
        return self.assemble(self._book_of(fd_uuid), fd_uuid, items, lazy=lazy)

    def assemble(
        self, book_uuid: str, fd_uuid: str, items: Iterable[KeyValue], *, lazy: bool = False
    ) -> models.FlowDetail:
        """A flow from the keys below its own. Raises taskflow's NotFound, DocumentInvalid."""
        self._backend.book_of_flow[fd_uuid] = book_uuid
        by_key = {item.key: item.value for item in items}
        prefix = self._flow(fd_uuid)
        key = f"{prefix}/flow"
        if key not in by_key:
            raise tf_exceptions.NotFound(f"No flow with the uuid {fd_uuid!r} in etcd")
        flow = details.decode_flow(key, by_key[key])
        if not lazy:
            for atom_key, raw in by_key.items():
                if atom_key.startswith(f"{prefix}/atoms/"):
                    atom = details.decode_atom(atom_key, raw)
                    self._backend.flow_of_atom[atom.uuid] = fd_uuid
                    flow.add(atom)
        return flow

    def get_atoms_for_flow(self, fd_uuid: str) -> Iterator[models.AtomDetail]:
        """Load the atoms of a flow."""
        yield from self.get_flow_details(fd_uuid)

    def get_atom_details(self, ad_uuid: str) -> models.AtomDetail:
        """Load one atom."""
        key = self._atom_key(self._flow_of(ad_uuid), ad_uuid)
        found = self._store.get(key)
        if found is None:
            raise tf_exceptions.NotFound(f"No atom with the uuid {ad_uuid!r} in etcd")
        return details.decode_atom(key, found.value)

    def _flow_of(self, atom_uuid: str) -> str:
        """The flow of an atom; of one that this process has not met, by looking at all flows."""
        known = self._backend.flow_of_atom.get(atom_uuid)
        if known is not None:
            return known
        for item in self._store.range(f"{self._backend.root}/flows/").items:
            if item.key.endswith(f"/atoms/{atom_uuid}"):
                book, flow = item.key.split("/")[-4:-2]
                self._backend.book_of_flow[flow] = book
                self._backend.flow_of_atom[atom_uuid] = flow
                return flow
        raise tf_exceptions.NotFound(f"No atom with the uuid {atom_uuid!r} in etcd")

    def _book_of(self, flow_uuid: str) -> str:
        """The book of a flow; of one that this process has not met, by asking for it in each."""
        known = self._backend.book_of_flow.get(flow_uuid)
        if known is not None:
            return known
        for book in self._books():
            if self._store.get(f"{flow_prefix(self._backend.root, book, flow_uuid)}/flow"):
                self._backend.book_of_flow[flow_uuid] = book
                return book
        raise tf_exceptions.NotFound(f"No flow with the uuid {flow_uuid!r} in etcd")

    def _books(self) -> list[str]:
        prefix = self._book("")
        return [item.key.removeprefix(prefix) for item in self._store.range(prefix).items]

    def _book(self, book: str) -> str:
        return book_key(self._backend.root, book)

    def _flows(self, book: str) -> str:
        return f"{self._backend.root}/flows/{book}/"

    def _flow(self, flow: str) -> str:
        return flow_prefix(self._backend.root, self._book_of(flow), flow)

    def _atom_key(self, flow: str, atom: str) -> str:
        return f"{self._flow(flow)}/atoms/{atom}"


def _is_untouched(atom: models.AtomDetail) -> bool:
    return (
        atom.state in (None, states.PENDING)
        and atom.intention == states.EXECUTE
        and not (atom.results or atom.meta or atom.failure or atom.revert_failure)
    )


def _endpoint(connection: str) -> str:
    """``etcd://host:port`` as etcd's own address; the bare name means one on this host."""
    scheme, found, address = connection.partition("://")
    if not found:
        address = "127.0.0.1:2379"
    return f"http://{address}" if scheme == "etcd" else connection


def book_key(root: str, book: str) -> str:
    """Where the record of a logbook is."""
    return f"{root.rstrip('/')}/books/{book}"


def flow_prefix(root: str, book: str, flow: str) -> str:
    """Where everything of one flow is, without the trailing slash."""
    return f"{root.rstrip('/')}/flows/{book}/{flow}"


def groups_book() -> models.LogBook:
    """The logbook of all job groups, without its flows: the same whoever writes it, and when."""
    book = models.LogBook("job groups", uuid=GROUPS_BOOK)
    book.created_at = None
    return book


def ensure_groups_book(store: Store, root: str = keys.PERSISTENCE) -> None:
    """Write the logbook of all job groups where it is not there yet. Raises StoreError.

    Called again after Indeterminate without harm: only the first one writes.
    """
    key = book_key(root, GROUPS_BOOK)
    if store.get(key) is None:
        store.txn([absent(key)], [Put(key, details.encode_book(groups_book()))])
