"""How a program without claims writes: what one call saves goes out in few transactions.

Every transaction compares the record of the logbook that it writes into. So nothing is written into
a book that is gone, and a write whose answer was lost is made harmless before it is sent again: the
new try touches the book's record, and what may still be under way of the old one is refused. Of two
processes that save the same flow the last one wins all the same: there should be one for each flow.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from taskflow import exceptions as tf_exceptions

from esi_flows.model.errors import Indeterminate, StoreUnavailable
from esi_flows.store.base import Compare, KeyValue, Op, Put, Range, Store, Txn, unchanged

LOG = logging.getLogger(__name__)

MAX_OPS = 100
"""Operations in one transaction; etcd takes 128 unless it is told otherwise."""
MAX_BYTES = 1024 * 1024
"""Bytes in one transaction, roughly; etcd takes 1.5 MiB unless it is told otherwise."""
MAX_BOOKS = 200
"""Books of which it is kept in mind what is stored."""

_TRIES = 5


@dataclass(slots=True)
class _Book:
    """What this process knows of one book. ``written``: digests of what it has stored."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    created: int = 0
    modified: int = 0
    record: bytes = b""
    is_unsure: bool = False
    written: dict[str, bytes] = field(default_factory=dict)


class BookWriter:
    """Writes into logbooks. Thread-safe; the writes into one book are made one after the other."""

    def __init__(self, store: RetriedStore) -> None:
        self._store = store
        self._books: OrderedDict[str, _Book] = OrderedDict()
        self._lock = threading.Lock()

    def update(self, book_key: str, puts: Mapping[str, bytes]) -> bool:
        """Write ``puts``, in order, into a book; False if it is gone, or is not the same any more.

        Then some of ``puts`` may have been written before. Raises taskflow's StorageFailure,
        StoreError.
        """
        book = self._book(book_key)
        with book.lock:
            known = book.created
            for _ in range(_TRIES):
                if not book.modified and not self._look(book_key, book):
                    return False
                if known not in (0, book.created):
                    return False
                if self._send(book_key, book, dict(puts)):
                    return True
            raise _contended(book_key)

    def save(self, book_key: str, puts: Mapping[str, bytes], record: bytes) -> None:
        """Write ``puts``, in order, and then the ``record`` of their book, new or not.

        Raises taskflow's StorageFailure, StoreError.
        """
        book = self._book(book_key)
        with book.lock:
            for _ in range(_TRIES):
                if not book.modified:
                    self._look(book_key, book)
                if self._send(book_key, book, {**puts, book_key: record}):
                    return
            raise _contended(book_key)

    def forget(self) -> None:
        """Know nothing any more: everything was removed."""
        with self._lock:
            self._books.clear()

    def _book(self, key: str) -> _Book:
        with self._lock:
            book = self._books.setdefault(key, _Book())
            self._books.move_to_end(key)
            if len(self._books) > MAX_BOOKS:
                self._books.popitem(last=False)
            return book

    def _look(self, key: str, book: _Book) -> bool:
        """Read the book's record; whether there is one."""
        found = self._store.get(key)
        if found is None or found.create_revision != book.created:
            book.written.clear()
        book.created = found.create_revision if found else 0
        book.modified = found.mod_revision if found else 0
        book.record = found.value if found else b""
        return found is not None

    def _send(self, key: str, book: _Book, puts: dict[str, bytes]) -> bool:
        """Write what is not stored yet; False if the book is not as it was thought to be."""
        if book.is_unsure and book.modified:
            # first of all: what is still under way compares the record as it was before
            puts = {key: puts.get(key, book.record), **puts}
        left = [Put(k, v) for k, v in puts.items() if k == key or book.written.get(k) != _digest(v)]
        for ops in _chunks(left):
            answer = self._commit(book, unchanged(key, book.modified), ops)
            if not answer.succeeded:
                book.modified = 0
                return False
            for op in ops:
                book.written[op.key] = _digest(op.value)
                if op.key == key:
                    book.created = book.created or answer.revision
                    book.modified, book.record = answer.revision, op.value
                    book.is_unsure = False
        return True

    def _commit(self, book: _Book, condition: Compare, ops: list[Put]) -> Txn:
        try:
            return self._store.txn([condition], ops)
        except tf_exceptions.StorageFailure:
            # read the book again and touch it, before anything else is written into it
            book.is_unsure = True
            book.modified = 0
            for op in ops:
                book.written.pop(op.key, None)
            raise


def _digest(value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=16).digest()


def _chunks(puts: list[Put]) -> Iterator[list[Put]]:
    """What goes into one transaction each; one without writes where there is nothing to write."""
    chunk: list[Put] = []
    size = 0
    for put in puts:
        size += len(put.key) + len(put.value)
        if chunk and (len(chunk) == MAX_OPS or size > MAX_BYTES):
            yield chunk
            chunk, size = [], len(put.key) + len(put.value)
        chunk.append(put)
    yield chunk


def _contended(book_key: str) -> tf_exceptions.StorageFailure:
    return tf_exceptions.StorageFailure(f"{book_key} is changed by others all the time")


class RetriedStore:
    """A store whose failures to answer are those that TaskFlow tries again: StorageFailure."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, key: str) -> KeyValue | None:
        """As the store behind."""
        try:
            return self._store.get(key)
        except StoreUnavailable as error:
            raise tf_exceptions.StorageFailure(error.message, cause=error) from error

    def range(self, prefix: str) -> Range:
        """As the store behind."""
        try:
            return self._store.range(prefix)
        except StoreUnavailable as error:
            raise tf_exceptions.StorageFailure(error.message, cause=error) from error

    def txn(self, compares: Sequence[Compare], ops: Sequence[Op]) -> Txn:
        """As the store behind."""
        try:
            return self._store.txn(compares, ops)
        except (StoreUnavailable, Indeterminate) as error:
            LOG.warning("write not confirmed", extra={"error": error.message})
            raise tf_exceptions.StorageFailure(error.message, cause=error) from error
