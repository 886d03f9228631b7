"""The one error a call can end in: a status and REDCap's own words."""

from __future__ import annotations


class ApiError(Exception):
    """What the API refuses, rendered later in the caller's returnFormat."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


def no_rights() -> ApiError:
    """Answer to a token nobody knows: real servers send 403 here, not the documented 401."""
    return ApiError("You do not have permissions to use the API", 403)


def not_valid(parameter: str) -> ApiError:
    """Name the parameter whose value means nothing."""
    return ApiError(f'The value of the parameter "{parameter}" is not valid')


def values_not_valid(parameter: str, values: list[str]) -> ApiError:
    """Name the values of an array parameter that mean nothing."""
    named = ", ".join(f"'{value}'" for value in values)
    return ApiError(f'The following values in the parameter "{parameter}" are not valid: {named}')
