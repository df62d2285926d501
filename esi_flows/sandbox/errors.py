"""The refusals of the simulated services, with the texts that Keystone and Heat use."""

from __future__ import annotations

from collections.abc import Sequence

from esi_flows.model.errors import EsiFlowsError

_TITLES = {
    400: (
        "Bad Request",
        "The server could not comply with the request since it is either malformed or "
        "otherwise incorrect.",
    ),
    401: ("Unauthorized", "The request you have made requires authentication."),
    403: ("Forbidden", "Access was denied to this resource."),
    404: ("Not Found", "The resource could not be found."),
    405: ("Method Not Allowed", "The method is not allowed for this resource."),
    409: ("Conflict", "There was a conflict when trying to complete your request."),
    413: ("Request Entity Too Large", "The body of your request was too large for this server."),
    429: ("Too Many Requests", "The client has sent too many requests in a given amount of time."),
    500: (
        "Internal Server Error",
        "The server has either erred or is incapable of performing the requested operation.",
    ),
    503: (
        "Service Unavailable",
        "The server is currently unavailable. Please try again at a later time.",
    ),
}


class CloudError(EsiFlowsError):
    """A request that is answered with an error. ``kind`` is the name Heat gives the exception."""

    status = 400
    kind = "HTTPBadRequest"

    def __init__(self, message: str, *, status: int = 0, kind: str = "") -> None:
        super().__init__(message)
        self.status = status or type(self).status
        self.kind = kind or type(self).kind


class NotFound(CloudError):
    """Something named in the request is not there."""

    status = 404
    kind = "EntityNotFound"


class Conflict(CloudError):
    """The name is taken, or an action is in the way."""

    status = 409
    kind = "StackExists"


class Unauthorized(CloudError):
    """No token, or one that is not valid (any more); or a wrong password."""

    status = 401
    kind = "Unauthorized"


class Forbidden(CloudError):
    """A valid token, but not for this."""

    status = 403
    kind = "Forbidden"


class ValidationFailed(CloudError):
    """A template, parameter or property that Heat would not accept.

    ``where`` is the path into the template, ``error`` what Heat puts before it.
    """

    kind = "StackValidationFailed"

    def __init__(self, message: str, *, where: Sequence[str | int] = (), error: str = "") -> None:
        path = ""
        for part in where:
            path += f"[{part}]" if isinstance(part, int) else f".{part}" if path else part
        super().__init__(": ".join(text for text in (error, path, message) if text))


def heat_body(error: CloudError) -> dict[str, object]:
    """The JSON body with which Heat answers."""
    title, explanation = _TITLES.get(error.status, ("Error", "An error occurred."))
    return {
        "code": error.status,
        "title": title,
        "explanation": explanation,
        "error": {"type": error.kind, "message": error.message, "traceback": None},
    }


def keystone_body(error: CloudError) -> dict[str, object]:
    """The JSON body with which Keystone answers."""
    title, _ = _TITLES.get(error.status, ("Error", ""))
    return {"error": {"code": error.status, "title": title, "message": error.message}}
