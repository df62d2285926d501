"""ESI Flows: a durable deployment conductor on etcd, TaskFlow and OpenStack Heat."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    __version__: str
else:

    def __getattr__(name: str) -> str:
        """``__version__``, looked up when asked for: the lookup takes longer than all of this."""
        if name != "__version__":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import metadata

        return metadata.version("esi-flows")
