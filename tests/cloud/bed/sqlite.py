"""What SQLite needs to carry services that were written for other databases."""

from __future__ import annotations

from typing import Any

import sqlalchemy


def lock_at_begin() -> None:
    """Take the write lock when a transaction begins.

    oslo.db begins without; two transactions that both go on to write are then told "database is
    locked" at once, however long they would be willing to wait.
    """

    @sqlalchemy.event.listens_for(sqlalchemy.engine.Engine, "begin")
    def _begin(connection: Any) -> None:
        if connection.dialect.name == "sqlite" and "in_transaction" not in connection.info:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            connection.info["in_transaction"] = True  # oslo.db leaves it alone then


def never_reuse_ids(metadata: Any) -> None:
    """Let no id be given twice, as everywhere else.

    SQLite gives the id of the last row that was deleted to the next one. Heat deletes rows by ids
    it has read before, and would hit another's: its stacks then stay in progress for ever.
    """
    for table in metadata.tables.values():
        keys = list(table.primary_key)
        if len(keys) == 1 and isinstance(keys[0].type, sqlalchemy.Integer):
            table.dialect_options["sqlite"]["autoincrement"] = True
