"""How pyarrow is worked with: on a few threads that stay, and with memory from jemalloc.

Its usual allocator keeps memory for every thread that ever worked: a pull on new threads each time grew its
process by three times what it holds in the end.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

import pyarrow as pa

THREADS = 2
ALLOCATOR = "jemalloc"
NAMED_BY = "ARROW_DEFAULT_MEMORY_POOL"
"""The variable with which an operator chooses pyarrow's allocator."""
One = TypeVar("One")
Other = TypeVar("Other")


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="arrow")


def in_parallel(work: Callable[[One], Other], pieces: Iterable[One]) -> list[Other]:
    """Work on some pieces in parallel, for pyarrow does not hold Python's lock; the results in their order.

    The work itself may not call this: it would wait for the threads that it occupies.
    """
    return list(_threads().map(work, pieces))


@contextmanager
def frugal_memory() -> Iterator[None]:
    """Let pyarrow take its memory from jemalloc meanwhile; not where the operator has named another allocator."""
    if NAMED_BY in os.environ or ALLOCATOR not in pa.supported_memory_backends():
        yield
        return
    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.jemalloc_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(before)
