"""The demo is run once, and every question is put to what it left."""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from nightround.cli.demo import show
from nightround.simulation.demo import STUDY


@dataclass(frozen=True)
class Demo:
    """Where the demo wrote, and what it printed."""

    folder: Path
    printed: str

    @property
    def study(self) -> Path:
        """The data folder of the study."""
        return self.folder / STUDY


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Three nights on the sandbox, in this process."""
    folder = tmp_path_factory.mktemp("demo") / "out"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        show(folder, seed=1, nights=3, environ={"PATH": os.environ["PATH"]})
    return Demo(folder, printed.getvalue())
