"""pyarrow's threads and memory while a project is pulled."""

import threading
from time import sleep

import pyarrow as pa
import pytest

from redcap_sync.rows.arrow_work import ALLOCATOR, NAMED_BY, THREADS, frugal_memory, in_parallel


def test_results_come_in_the_order_of_the_pieces_on_the_same_few_threads() -> None:
    """However long each piece takes, and however often work is given away."""

    def work(piece: int) -> tuple[int, str]:
        sleep(0.002 * (3 - piece % 3))
        return piece, threading.current_thread().name

    found = [one for _ in range(3) for one in in_parallel(work, range(6))]
    assert [piece for piece, _ in found] == [*range(6)] * 3
    assert len({name for _, name in found}) <= THREADS


def test_an_error_of_a_piece_is_raised() -> None:
    """Work that fails on another thread fails here."""
    with pytest.raises(ZeroDivisionError):
        in_parallel(lambda piece: 1 / piece, [1, 0])


def test_memory_comes_from_the_frugal_allocator_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is put back afterwards, after an error too; an operator who named an allocator has it throughout."""
    monkeypatch.delenv(NAMED_BY, raising=False)
    before = pa.default_memory_pool().backend_name
    used = []
    with pytest.raises(ZeroDivisionError), frugal_memory():
        used.append(pa.default_memory_pool().backend_name) or 1 / 0
    assert used == [ALLOCATOR]
    assert pa.default_memory_pool().backend_name == before
    monkeypatch.setenv(NAMED_BY, "system")
    with frugal_memory():
        assert pa.default_memory_pool().backend_name == before
