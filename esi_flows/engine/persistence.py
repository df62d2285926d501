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

from collections.abc import Mapping
from typing import Any

from taskflow import exceptions as tf_exceptions
from taskflow.persistence import base, models

from esi_flows.engine import address, details, layout
from esi_flows.engine.books import BookWriter, RetriedStore
from esi_flows.engine.connection import DetailConnection
from esi_flows.engine.layout import book_key, flow_prefix
from esi_flows.engine.places import Places
from esi_flows.engine.writer import Writer
from esi_flows.model import keys
from esi_flows.store.base import Delete, DeletePrefix, Op, Put, Store, absent, created_at

__all__ = [
    "GROUPS_BOOK",
    "EtcdBackend",
    "EtcdConnection",
    "book_key",
    "ensure_groups_book",
    "flow_prefix",
    "groups_book",
]

GROUPS_BOOK = "e0d4ad10-315f-5a4a-aa7a-e594bf8d0032"
"""The uuid of the logbook that has the flows of all job groups, the same in every process."""


class EtcdBackend(base.Backend):  # type: ignore[misc]  # TaskFlow is untyped
    """Persistence backend; ``conf`` as of :func:`esi_flows.engine.address.read`.

    With ``store`` and ``writer`` it works inside the product: on a store that is already open, and
    fenced by a claim; ``conf`` has at most a ``path`` then. With ``lazy_atoms`` saving a flow
    leaves out the atoms to which nothing has happened yet, and those that were saved before: for
    engines that save each change of an atom, and that make the same atoms, with the same uuids,
    again when they resume.
    """

    def __init__(
        self,
        conf: Mapping[str, Any],
        *,
        store: Store | None = None,
        writer: Writer | None = None,
        lazy_atoms: bool = False,
    ) -> None:
        """Raises SettingsInvalid."""
        super().__init__(dict(conf))
        found = address.read(conf)
        self.store: Store = store if store is not None else found.connect()
        self._owns_store = store is None
        self.root = found.path
        self.writer = writer
        self.lazy_atoms = lazy_atoms
        self.places = Places()
        retried = RetriedStore(self.store)
        self._direct = (retried, BookWriter(retried))

    @property
    def book_of_flow(self) -> dict[str, str]:
        """The books of the flows that this process has met."""
        return self.places.book_of_flow

    def get_connection(self) -> DetailConnection:
        """A connection; they share everything and cost nothing."""
        return EtcdConnection(self) if self.writer else DirectConnection(self, *self._direct)

    def close(self) -> None:
        """Make everything durable and close the store if it was opened here."""
        if self.writer is not None:
            self.writer.flush()
        if self._owns_store:
            self.store.close()


class EtcdConnection(DetailConnection):
    """What a flow under a claim saves: given to the writer, which sends it behind the claim."""

    def __init__(self, backend: EtcdBackend) -> None:
        super().__init__(
            backend,
            backend.store,
            root=backend.root,
            places=backend.places,
            lazy_atoms=backend.lazy_atoms,
            saves_again=False,
        )
        assert backend.writer is not None
        self._writer = backend.writer

    def clear_all(self) -> None:
        """Not under a claim. Raises NotImplementedError."""
        raise NotImplementedError("a claim is for one flow, not for all")

    def destroy_logbook(self, book_uuid: str) -> None:
        """Not under a claim. Raises NotImplementedError."""
        raise NotImplementedError("a claim is for one flow, not for a logbook")

    def _write(self, book: str, puts: Mapping[str, bytes]) -> None:
        for key, value in puts.items():
            self._writer.put(key, value)

    def _write_book(self, book: str, puts: Mapping[str, bytes], record: bytes) -> None:
        self._write(book, {**puts, book_key(self._root, book): record})


class DirectConnection(DetailConnection):
    """What any TaskFlow program saves: written when the call returns, in few transactions.

    Where etcd does not answer, or not in time, it raises StorageFailure, which TaskFlow's engines
    try again. That is safe: see :mod:`esi_flows.engine.books`. What would not be better the next
    time is raised as it is: TooLarge, NoSpace, AccessDenied.
    """

    def __init__(self, backend: EtcdBackend, store: RetriedStore, books: BookWriter) -> None:
        super().__init__(
            backend,
            store,
            root=backend.root,
            places=backend.places,
            lazy_atoms=backend.lazy_atoms,
            saves_again=not backend.lazy_atoms,
        )
        self._store = store
        self._books = books

    def clear_all(self) -> None:
        """Remove every book, flow and atom below the path, in one transaction."""
        self._store.txn([], [DeletePrefix(f"{self._root}/")])
        self._places.clear()
        self._books.forget()

    def destroy_logbook(self, book_uuid: str) -> None:
        """Remove a book and everything in it, in one transaction."""
        key = book_key(self._root, book_uuid)
        found = self._store.get(key)
        self._places.forget(book_uuid)
        gone: list[Op] = [DeletePrefix(layout.flows_of(self._root, book_uuid)), Delete(key)]
        if (
            found is None
            or not self._store.txn([created_at(key, found.create_revision)], gone).succeeded
        ):
            raise tf_exceptions.NotFound(f"No logbook with the uuid {book_uuid!r} in etcd")

    def _write(self, book: str, puts: Mapping[str, bytes]) -> None:
        if not self._books.update(book_key(self._root, book), puts):
            self._places.forget(book)
            raise tf_exceptions.NotFound(
                f"The logbook {book!r} was removed, or made anew, by somebody else"
            )

    def _write_book(self, book: str, puts: Mapping[str, bytes], record: bytes) -> None:
        self._books.save(book_key(self._root, book), puts, record)


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
