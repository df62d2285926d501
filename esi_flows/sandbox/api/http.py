"""What all services share: reading a body within limits, and answering errors."""

from __future__ import annotations

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from esi_flows.sandbox.errors import CloudError, heat_body, keystone_body
from esi_flows.sandbox.hot.values import strict_json

MAX_BODY_BYTES = 1048576
"""Heat's limit for a JSON body."""


async def json_body(request: Request) -> dict[str, Any]:
    """The JSON object in a request. Raises CloudError for anything else, or one too big."""
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MAX_BODY_BYTES:
            raise CloudError(
                f"Request limit exceeded: JSON body size exceeds maximum allowed size "
                f"({MAX_BODY_BYTES} bytes).",
                kind="RequestLimitExceeded",
            )
    try:
        body = strict_json(raw) if raw else {}
    except ValueError as error:
        raise CloudError(str(error)) from error
    if not isinstance(body, dict):
        raise CloudError("The body is not a JSON object.")
    return body


def answer_error(request: Request, error: Exception) -> Response:
    """The answer to a CloudError, in the form of the service that was asked."""
    assert isinstance(error, CloudError)
    return error_response(request.url.path, error)


def answer_http_error(request: Request, error: Exception) -> Response:
    """The answer for a path or method that no service has."""
    assert isinstance(error, HTTPException)
    return error_response(
        request.url.path, CloudError(error.detail, status=error.status_code, kind="HTTPNotFound")
    )


def error_response(path: str, error: CloudError, headers: dict[str, str] | None = None) -> Response:
    """An error in the form of the service that ``path`` belongs to."""
    of_keystone = path.startswith("/identity") or error.status == 401
    body = keystone_body(error) if of_keystone else heat_body(error)
    headers = dict(headers or {})
    if error.status == 401:
        headers.setdefault("WWW-Authenticate", 'Keystone uri="/identity"')
    return JSONResponse(body, status_code=error.status, headers=headers)
