"""Something to watch: a server on loopback, in a process of its own."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection

_ANSWER = b'HTTP/1.1 200 OK\r\n\r\n{"status": "UP"}'


@contextmanager
def serving() -> Iterator[int]:
    """The port of a server that answers any request with the status UP."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(theirs,))
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _run(told: Connection) -> None:
    asyncio.run(_serve(told))


async def _serve(told: Connection) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_ANSWER)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # who only wanted to know whether somebody listens
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=2048)
    told.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()
