from __future__ import annotations

import base64
import subprocess
import sys

import pytest
from google.protobuf import descriptor_pb2

from esi_flows.store._client import Access, EndpointClient, rpc
from esi_flows.store._etcdrpc.descriptor import DESCRIPTOR


def test_etcd3_loads_on_the_installed_protobuf_without_a_warning() -> None:
    code = "import esi_flows.store.etcd, etcd3; assert etcd3.__version__ == '0.12.0'"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=60)


def test_descriptor_is_what_the_proto_compiles_to() -> None:
    pytest.importorskip("grpc_tools", reason="needs the compiler")
    from esi_flows.store._etcdrpc.generate import compile_proto

    committed, compiled = (
        descriptor_pb2.FileDescriptorSet.FromString(raw)
        for raw in (base64.b64decode(DESCRIPTOR), compile_proto())
    )
    assert committed == compiled


def test_limit_and_revision_of_a_read_reach_the_request() -> None:
    # etcd3 itself takes them and drops them
    client = EndpointClient("127.0.0.1", 1, Access())
    request = client._build_get_range_request("/a", "/b", limit=7, revision=9)
    client.close()
    assert request == rpc.RangeRequest(key=b"/a", range_end=b"/b", limit=7, revision=9)


def test_each_thread_has_its_own_time_for_a_call() -> None:
    client = EndpointClient("127.0.0.1", 1, Access())
    with client.within(5.0):
        assert client.timeout == 5.0
    assert client.timeout is None
    client.close()
