"""An attribute that is worked out when it is first asked for, and kept.

`functools.cached_property` of Python 3.11 does the same behind one lock for all objects of a class,
at which the threads that work on different rows would queue up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class kept(Generic[Value]):  # noqa: N801 - used as a decorator
    """Two threads that ask at once may both work it out; they get the same."""

    def __init__(self, work: Callable[[Any], Value]) -> None:
        self._work = work
        self._name = work.__name__
        self.__doc__ = work.__doc__

    def __get__(self, instance: Any, owner: type | None = None) -> Value:
        found = instance.__dict__[self._name] = self._work(instance)
        return found
