"""Asks for the status of a target over HTTP."""

from __future__ import annotations

import requests

from esi_flows.model.errors import EsiFlowsError
from esi_flows.model.results import Target


class ProbeFailed(EsiFlowsError):
    """The status could not be had; that is not the same as a bad status."""


class HttpProbe:
    """POSTs the target as JSON to ``<url>`` and reads the member ``status`` of the answer."""

    def __init__(self, url: str, *, timeout_seconds: float) -> None:
        self._url = url
        self._timeout = timeout_seconds
        self._session = requests.Session()

    def status(self, target: Target) -> str:
        """The status in the monitored system's own words. Raises ProbeFailed."""
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
        """Release connections."""
        self._session.close()
