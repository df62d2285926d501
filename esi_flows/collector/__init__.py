"""Watches monitoring targets and writes what it sees to ``/monitoring``."""
