"""Where a process has met flows and atoms."""

from __future__ import annotations

from esi_flows.engine import layout

MAX_ATOMS = 200_000
"""Atoms of which it is kept in mind in which flow they are."""


class Places:
    """Where this process has met flows and atoms: TaskFlow asks for them by their uuids alone."""

    def __init__(self) -> None:
        self.book_of_flow: dict[str, str] = {}
        self.flow_of_atom: dict[str, str] = {}

    def clear(self) -> None:
        """Forget everything; what is needed is looked for again."""
        self.book_of_flow.clear()
        self.flow_of_atom.clear()

    def forget(self, book: str) -> None:
        """Forget the flows of a book, and their atoms."""
        gone = {flow for flow, place in list(self.book_of_flow.items()) if place == book}
        for flow in gone:
            self.book_of_flow.pop(flow, None)
        for atom, flow in list(self.flow_of_atom.items()):
            if flow in gone:
                self.flow_of_atom.pop(atom, None)

    def put_atom(self, atom: str, flow: str) -> None:
        """Note an atom, in the place of the one noted longest ago where there are many."""
        if len(self.flow_of_atom) >= MAX_ATOMS and atom not in self.flow_of_atom:
            self.flow_of_atom.pop(next(iter(self.flow_of_atom)), None)
        self.flow_of_atom[layout.segment(atom)] = flow
