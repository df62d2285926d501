"""ESI Flows: a durable deployment conductor on etcd, TaskFlow and OpenStack Heat."""

from importlib import metadata

__version__ = metadata.version("esi-flows")
