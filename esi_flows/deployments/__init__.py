"""Folders of intents: read, checked, written to the store in order, followed to their end.

Law of this package: bad input changes nothing. Whatever can be found wrong is found, all of it,
before the first write; and every write is conditional on what was read.
"""
