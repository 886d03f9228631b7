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

_BY_ROW = ("isnumber", "isblanknotmissingcode")
BY_DISTINCT_TEXTS = frozenset(text_functions.FUNCTIONS) - frozenset(_BY_ROW)
"""Functions whose work grows with the distinct texts of a column, not with its rows."""

OF_VALUES = frozenset(number_functions.FUNCTIONS) | frozenset(date_functions.FUNCTIONS)
"""Functions that calculate: a missing data code is no value to them."""


def call(name: str, arguments: list[Vector], setting: Setting) -> Vector:
    """Work out a function other than `if`."""
    return _FUNCTIONS[name](arguments, setting)


__all__ = ["BY_DISTINCT_TEXTS", "OF_VALUES", "Setting", "call"]
