"""Threads that work on rules share one heap, where the C library can be asked for it."""

import ctypes

import pytest

from nightround.validation.one_heap import M_ARENA_MAX, share_one_heap


def test_the_c_library_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told to make no second heap, and not again for the next run."""
    asked: list[tuple[int, int]] = []

    class Library:
        def __init__(self, _name: str) -> None: ...

        def mallopt(self, option: int, value: int) -> int:
            asked.append((option, value))
            return 1

    monkeypatch.setattr(ctypes, "CDLL", Library)
    share_one_heap.cache_clear()
    share_one_heap()
    share_one_heap()
    assert asked == [(M_ARENA_MAX, 1)]


def test_another_c_library_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no GNU C library nothing happens, and the rules are worked out all the same."""

    def missing(_name: str) -> None:
        raise OSError("libc.so.6: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    share_one_heap.cache_clear()
    assert share_one_heap() is None
