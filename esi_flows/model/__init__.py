"""What is written where: keys, documents, states and errors.

Law of this package: pure data. No I/O, no clock, no randomness; documents are parsed at the edge
into frozen objects and encoded by the same class that parsed them.
"""
