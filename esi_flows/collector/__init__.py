"""Watches monitoring targets and writes what it sees to ``/monitoring``.

Law of this package: a status is written only when it has changed, only for the version of the
target that was asked, and only by the collector that holds the role.
"""
