"""One heap for all threads."""

from __future__ import annotations

import ctypes
from functools import cache

M_ARENA_MAX = -8
"""Source: malloc.h of the GNU C library."""


@cache
def share_one_heap() -> None:
    """Let threads that start from now on take memory from one heap, where the C library is GNU's.

    Else each has its own, which gives its end back whenever it is free. The columns of a part come and go, and two
    threads spent a seventh of their time on getting the same pages from the system again and again.
    """
    try:
        ctypes.CDLL("libc.so.6").mallopt(M_ARENA_MAX, 1)
    except OSError:  # another system, another C library
        return
