"""Handlers make the outside world match a job, and undo it.

Law of this package: handlers are idempotent, hold no thread while they wait, and return data;
they never write to etcd themselves.
"""
