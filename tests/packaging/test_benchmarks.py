"""The benchmarks, which no other test runs, are written against the code as it is."""

import importlib
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.mark.parametrize("name", sorted(path.stem for path in BENCHMARKS.glob("*.py")))
def test_each_benchmark_can_be_imported(name: str) -> None:
    """A name that moved or is gone breaks a benchmark here, not when somebody measures."""
    module = importlib.import_module("benchmarks" if name == "__init__" else f"benchmarks.{name}")
    assert module.__doc__
