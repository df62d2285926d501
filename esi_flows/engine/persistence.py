"""TaskFlow's persistence on etcd, registered as ``taskflow.persistence: etcd``.

Keys below ``path`` (default ``/esi-flows/persistence``)::

    books/<book>/book                 the logbook
    books/<book>/flows/<flow>         one empty key per flow of the book
    flows/<flow>/flow                 the flow detail
    flows/<flow>/atoms/<atom>         one atom detail

All of a flow is one range, so loading it is one read. TaskFlow only ever saves whole objects of
which this process has the newest, so nothing is read before it is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from taskflow import exceptions as tf_exceptions
from taskflow.persistence import base, models

from esi_flows.engine import details
from esi_flows.engine.writer import DirectWriter, Writer
from esi_flows.model import keys
from esi_flows.store.base import DeletePrefix, KeyValue, Store
from esi_flows.store.etcd import connect


class EtcdBackend(base.Backend):  # type: ignore[misc]
    """Persistence backend. ``conf``: ``connection`` (``etcd://host:port``, or ``etcd`` for the one
    on this host), optional ``path``.

    With ``store`` and ``writer`` it works inside the product: on a store that is already open, and
    fenced by a claim.
    """

    def __init__(
        self,
        conf: Mapping[str, Any],
        *,
        store: Store | None = None,
        writer: Writer | None = None,
    ) -> None:
        super().__init__(dict(conf))
        self._owned: Store | None = None
        if store is None:
            store = self._owned = connect([_endpoint(str(conf.get("connection", "etcd")))])
        self.store = store
        self.writer = writer if writer is not None else DirectWriter(store)
        self.root = str(conf.get("path", keys.PERSISTENCE)).rstrip("/")
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
        """Save a flow, and those of its atoms that have never been saved."""
        for atom in flow_detail:
            if atom.uuid not in self._backend.flow_of_atom:
                self._backend.flow_of_atom[atom.uuid] = flow_detail.uuid
                self.update_atom_details(atom)
        self._writer.put(self._flow_key(flow_detail.uuid), details.encode_flow(flow_detail))
        return flow_detail

    def save_logbook(self, book: models.LogBook) -> models.LogBook:
        """Save a book, its flows and their atoms; the book itself last."""
        for flow in book:
            self.update_flow_details(flow)
            self._writer.put(f"{self._book(book.uuid)}/flows/{flow.uuid}", b"")
        self._writer.put(f"{self._book(book.uuid)}/book", details.encode_book(book))
        return book

    def destroy_logbook(self, book_uuid: str) -> None:
        """Remove a book and everything in it."""
        self.get_logbook(book_uuid, lazy=True)
        listed = self._store.range(f"{self._book(book_uuid)}/flows/").items
        flows = {item.key.rpartition("/")[2] for item in listed}
        gone = [DeletePrefix(f"{self._flow(flow)}/") for flow in sorted(flows)]
        self._store.txn([], [*gone, DeletePrefix(f"{self._book(book_uuid)}/")])
        known = self._backend.flow_of_atom
        self._backend.flow_of_atom = {a: flow for a, flow in known.items() if flow not in flows}

    def get_logbook(self, book_uuid: str, lazy: bool = False) -> models.LogBook:
        """Load a book; its flows with their atoms unless ``lazy``."""
        key = f"{self._book(book_uuid)}/book"
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
        for item in self._store.range(f"{self._backend.root}/books/").items:
            if item.key.endswith("/book"):
                yield self.get_logbook(item.key.split("/")[-2], lazy=lazy)

    def get_flows_for_book(self, book_uuid: str, lazy: bool = False) -> Iterator[models.FlowDetail]:
        """Load the flows of a book."""
        for item in self._store.range(f"{self._book(book_uuid)}/flows/").items:
            yield self.get_flow_details(item.key.rpartition("/")[2], lazy=lazy)

    def get_flow_details(self, fd_uuid: str, lazy: bool = False) -> models.FlowDetail:
        """Load a flow with its atoms (without, when ``lazy``) in one read."""
        items = self._store.range(f"{self._flow(fd_uuid)}/").items
        return self.assemble(fd_uuid, items, lazy=lazy)

    def assemble(
        self, fd_uuid: str, items: tuple[KeyValue, ...], *, lazy: bool = False
    ) -> models.FlowDetail:
        """A flow from the keys below its own."""
        by_key = {item.key: item.value for item in items}
        key = self._flow_key(fd_uuid)
        if key not in by_key:
            raise tf_exceptions.NotFound(f"No flow with the uuid {fd_uuid!r} in etcd")
        flow = details.decode_flow(key, by_key[key])
        if not lazy:
            for atom_key, raw in by_key.items():
                if atom_key.startswith(f"{self._flow(fd_uuid)}/atoms/"):
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
                flow = item.key.split("/")[-3]
                self._backend.flow_of_atom[atom_uuid] = flow
                return flow
        raise tf_exceptions.NotFound(f"No atom with the uuid {atom_uuid!r} in etcd")

    def _book(self, book: str) -> str:
        return book_prefix(self._backend.root, book)

    def _flow(self, flow: str) -> str:
        return flow_prefix(self._backend.root, flow)

    def _flow_key(self, flow: str) -> str:
        return f"{self._flow(flow)}/flow"

    def _atom_key(self, flow: str, atom: str) -> str:
        return f"{self._flow(flow)}/atoms/{atom}"


def _endpoint(connection: str) -> str:
    """``etcd://host:port`` as etcd's own address; the bare name means one on this host."""
    scheme, found, address = connection.partition("://")
    if not found:
        address = "127.0.0.1:2379"
    return f"http://{address}" if scheme == "etcd" else connection


def book_prefix(root: str, book: str) -> str:
    """Where everything of one logbook is, without the trailing slash."""
    return f"{root.rstrip('/')}/books/{book}"


def flow_prefix(root: str, flow: str) -> str:
    """Where everything of one flow is, without the trailing slash."""
    return f"{root.rstrip('/')}/flows/{flow}"
