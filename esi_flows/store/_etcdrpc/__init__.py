"""Messages and stubs of etcd's v3 interface, under the names the etcd3 package expects.

Law of this package: built from ``etcd.proto`` (by way of ``descriptor.py``) and nothing else.

The classes are made at import, in a descriptor pool of their own: they load on every protobuf from
5.29 on, and another etcd client in the same process cannot clash with them.
"""

from __future__ import annotations

import base64
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from esi_flows.store._etcdrpc.descriptor import DESCRIPTOR


def _load() -> Any:
    files = descriptor_pb2.FileDescriptorSet.FromString(base64.b64decode(DESCRIPTOR))
    pool = descriptor_pool.DescriptorPool()
    (proto,) = files.file
    pool.AddSerializedFile(proto.SerializeToString())
    return pool.FindFileByName(proto.name)


def _stub(service: Any) -> type:
    """A client class with one callable per method, as protoc's gRPC plug-in would write it."""

    def connect(self: Any, channel: Any) -> None:
        for method in service.methods:
            kind = "_".join(
                "stream" if streaming else "unary"
                for streaming in (method.client_streaming, method.server_streaming)
            )
            request = message_factory.GetMessageClass(method.input_type)
            response = message_factory.GetMessageClass(method.output_type)
            call = getattr(channel, kind)(
                f"/{service.full_name}/{method.name}",
                request_serializer=request.SerializeToString,
                response_deserializer=response.FromString,
            )
            setattr(self, method.name, call)

    return type(f"{service.name}Stub", (), {"__init__": connect})


def _public(file: Any) -> dict[str, Any]:
    names: dict[str, Any] = {
        name: message_factory.GetMessageClass(descriptor)
        for name, descriptor in file.message_types_by_name.items()
    }
    for enum in file.enum_types_by_name.values():
        names |= {value.name: value.number for value in enum.values}
    names |= {
        f"{name}Stub": _stub(service) for name, service in file.services_by_name.items()
    }
    return names


globals().update(_public(_load()))
