"""An etcd of one's own: for the sandbox, for trying, for tests.

Law of this package: a server started here listens on loopback only and does not outlive the process
that started it; its data does.
"""

from esi_flows.store.embedded.cluster import EmbeddedCluster
from esi_flows.store.embedded.server import EmbeddedEtcd

__all__ = ["EmbeddedCluster", "EmbeddedEtcd"]
