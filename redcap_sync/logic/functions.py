"""The functions of REDCap logic on whole columns, by name."""

from __future__ import annotations

from collections.abc import Callable

from redcap_sync.logic import date_functions, number_functions, text_functions
from redcap_sync.logic.setting import Setting
from redcap_sync.logic.vectors import Vector

_FUNCTIONS: dict[str, Callable[[list[Vector], Setting], Vector]] = {
    **date_functions.FUNCTIONS,
    **number_functions.FUNCTIONS,
    **text_functions.FUNCTIONS,
}


def call(name: str, arguments: list[Vector], setting: Setting) -> Vector:
    """Work out a function other than `if`."""
    return _FUNCTIONS[name](arguments, setting)


__all__ = ["Setting", "call"]
