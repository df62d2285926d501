"""TaskFlow's engine, mended from the outside: linear in time, and without its traps.

Law of this package: every class is a subclass of TaskFlow's (or stands in for one) and does what
that does, but for what its docstring names; a test compares the two over generated flows.
"""
