"""Compile ``etcd.proto`` into ``descriptor.py``; run by hand after a change of the former.

::

    pip install grpcio-tools
    python esi_flows/store/_etcdrpc/generate.py

Only the compiler's descriptor is kept. Its Python output would tie us to one or two major versions
of the protobuf runtime, because it refuses to load on any other; a descriptor loads on all of them.
"""

from __future__ import annotations

import base64
import tempfile
import textwrap
from pathlib import Path

from grpc_tools import protoc

HERE = Path(__file__).resolve().parent

MODULE = '''"""What protoc made of ``etcd.proto``. Written by ``generate.py``; do not edit."""

DESCRIPTOR = """\\
{encoded}
"""
'''


def compile_proto() -> bytes:
    """``etcd.proto`` as a serialized FileDescriptorSet."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "etcd.binpb"
        code = protoc.main(
            ["protoc", f"--proto_path={HERE}", f"--descriptor_set_out={output}", "etcd.proto"]
        )
        if code != 0:
            raise SystemExit(code)
        return output.read_bytes()


def main() -> None:
    """Write ``descriptor.py``."""
    encoded = "\n".join(textwrap.wrap(base64.b64encode(compile_proto()).decode(), 96))
    (HERE / "descriptor.py").write_text(MODULE.format(encoded=encoded))


if __name__ == "__main__":
    main()
