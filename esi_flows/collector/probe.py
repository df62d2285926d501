"""Asks a service for the status of targets, over HTTP."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

import requests

from esi_flows.collector.drivers import ProbeFailed
from esi_flows.model.results import Target

_THREADS = 8
"""Each spends its time waiting for an answer."""


class HttpProbe:
    """POSTs the target as JSON to ``<url>`` and reads the member ``status`` of the answer."""

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        self._url = url
        self._timeout = timeout_seconds
        self._session = requests.Session()
        self._threads = ThreadPoolExecutor(_THREADS, "status service")

    async def status(self, target: Target) -> str:
        """The status in the monitored system's own words. Raises ProbeFailed."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._status, target)

    def _status(self, target: Target) -> str:
        try:
            answer = self._session.post(
                self._url,
                data=target.encode(),
                headers={"Content-Type": "application/json"},
                timeout=self._timeout,
            )
            answer.raise_for_status()
            status = answer.json()["status"]
        except (requests.RequestException, ValueError, KeyError, TypeError) as error:
            raise ProbeFailed(f"status of {target.type} not had: {error}") from error
        if not isinstance(status, str):
            raise ProbeFailed(f"status of {target.type} is no text: {status!r}")
        return status

    def close(self) -> None:
        """Release connections and threads."""
        self._threads.shutdown()
        self._session.close()
