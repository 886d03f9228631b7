"""All threads share one heap, where the allocators can be asked for it."""

import ctypes
import subprocess
import sys

import pytest

from redcap_sync.rows.one_heap import JEMALLOC_OPTIONS, M_ARENA_MAX, share_one_heap


def test_both_allocators_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The C library is told to make no second heap, and pyarrow's jemalloc finds its option when it is loaded."""
    asked: list[tuple[int, int]] = []

    class Library:
        def __init__(self, _name: str) -> None: ...

        def mallopt(self, option: int, value: int) -> int:
            asked.append((option, value))
            return 1

    monkeypatch.setattr(ctypes, "CDLL", Library)
    environ: dict[str, str] = {}
    share_one_heap(environ)
    assert asked == [(M_ARENA_MAX, 1)]
    assert environ == {JEMALLOC_OPTIONS: "narenas:1"}


def test_options_of_an_operator_stay() -> None:
    """Who has set jemalloc's options has had a reason."""
    environ = {JEMALLOC_OPTIONS: "narenas:4"}
    share_one_heap(environ)
    assert environ == {JEMALLOC_OPTIONS: "narenas:4"}


def test_the_command_line_leaves_no_garbage_to_search_at_its_end() -> None:
    """What a night has imported is no garbage, and to find that out takes most of a second."""
    script = """
import atexit, gc
from nightround.cli import main as command_line
atexit.register(lambda: print("frozen", gc.get_freeze_count() > 0))
command_line.main(["--version"])
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "frozen True"


def test_the_command_line_shares_a_heap_before_pyarrow_is_loaded() -> None:
    """Later it would have no effect: the option is read once, and numpy's threads have heaps of their own."""
    script = """
import os, sys
from nightround.cli import main as command_line
def told(environ):
    print("pyarrow" in sys.modules, "numpy" in sys.modules, environ is os.environ)
command_line.share_one_heap = told
command_line.main(["--version"])
"""
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[0] == "False False True"


def test_another_c_library_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no GNU C library nothing happens, and the rules are worked out all the same."""

    def missing(_name: str) -> None:
        raise OSError("libc.so.6: cannot open shared object file")

    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert share_one_heap({}) is None
