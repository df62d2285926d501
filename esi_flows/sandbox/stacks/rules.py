"""What Heat does not let be done to a stack in some state."""

from __future__ import annotations

from esi_flows.sandbox.errors import CloudError, Conflict, NotFound
from esi_flows.sandbox.hot.template import Template
from esi_flows.sandbox.stacks.model import Action, Stack, Status


def missing(name_or_id: str) -> NotFound:
    """The error for a stack that is not there."""
    return NotFound(f"The Stack ({name_or_id}) could not be found.")


def required(template: Template | None) -> Template:
    """The template of a request that must have one. Raises CloudError."""
    if template is None:
        raise CloudError("No template specified")
    return template


def check_not_deleted(stack: Stack) -> None:
    """Raises NotFound for a stack that is gone."""
    if stack.deleted_at:
        raise missing(stack.id)


def check_updatable(stack: Stack) -> None:
    """Raises CloudError for a stack that is deleted, being deleted or suspended."""
    check_not_deleted(stack)
    action = stack.operation.action if stack.operation else stack.action
    if action in (Action.DELETE, Action.SUSPEND):
        what = "deleting" if action is Action.DELETE else "suspended"
        raise CloudError(
            f"Updating a stack when it is {what} is not supported.", kind="NotSupported"
        )


def check_idle(stack: Stack) -> None:
    """Raises CloudError for a stack to which something is being done."""
    check_not_deleted(stack)
    if stack.operation is not None:
        raise Conflict(
            f"Stack {stack.name} already has an action ({stack.operation.action}) in progress.",
            kind="ActionInProgress",
        )


def check_can_be_cancelled(current: Stack, *, rollback: bool) -> None:
    """Raises CloudError where there is no update (without rollback: or creation) to give up."""
    allowed = (Action.UPDATE,) if rollback else (Action.UPDATE, Action.CREATE)
    if current.status is not Status.IN_PROGRESS or current.action not in allowed:
        raise CloudError(
            f"Cancelling update when stack is {current.state} is not supported.",
            kind="NotSupported",
        )
