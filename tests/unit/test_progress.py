"""Bars of a run: on a terminal alone, one for the step under way, and nothing is left of them."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from nightround.cli import progress
from nightround.cli.progress import StepBars, progress_shown
from nightround.night.recorder import Recorder
from nightround.night.step_progress import NobodyLooks


def bars() -> StepBars:
    """Bars on no terminal at all."""
    return StepBars(Progress(console=Console(file=io.StringIO())))


def test_a_pull_counts_its_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bar is named as the step is in mails, has the share of the records that came, and goes with the step."""
    monkeypatch.setenv("NIGHTROUND_LANGUAGE", "en")
    shown = bars()
    shown.begin("pull")
    (task,) = shown.bars.tasks
    assert (task.description, task.total) == ("pull of the data", None)
    shown.advance(30, 120)
    assert shown.bars.tasks[0].percentage == 25
    shown.end()
    assert shown.bars.tasks == []
    shown.begin("another step")
    assert [one.description for one in shown.bars.tasks] == ["another step"]


class _Night:
    """A run with nothing but its recorder."""

    recorder: Recorder

    def __init__(self) -> None:
        self.recorder = Recorder(None, 1, None)  # type: ignore[arg-type]


@pytest.mark.parametrize("terminal", [True, False])
def test_bars_are_for_terminals(*, terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where stderr is a file or a pipe nothing is shown, and nothing is written."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=80, _environ={"TERM": "xterm"})
    monkeypatch.setattr(progress, "error_console", lambda: console)
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal, raising=False)
    night = _Night()
    with progress_shown(night):  # type: ignore[arg-type]
        night.recorder.progress.begin("validate")
        assert isinstance(night.recorder.progress, NobodyLooks) is not terminal
        night.recorder.progress.end()
    assert bool(out.getvalue()) == terminal
