"""How far a run is, as a bar on stderr: on a terminal alone, gone once the step ended, and never in a log or a pipe."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nightround.cli.printing import error_console, is_watched, language
from nightround.texts.catalogue import wording

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from nightround.night import Night


@dataclass
class StepBars:
    """A bar for the step that is under way: of records while they are pulled, else one that shows that it goes on."""

    bars: Progress
    task: TaskID | None = None

    def begin(self, step: str) -> None:
        """Show the step; of one within another the outer one stays."""
        if self.task is None:
            self.task = self.bars.add_task(_named(step), total=None)

    def advance(self, done: int, total: int) -> None:
        """Show how many of the records came."""
        if self.task is not None:
            self.bars.update(self.task, completed=done, total=total)

    def end(self) -> None:
        """Remove the bar."""
        if self.task is not None:
            self.bars.remove_task(self.task)
            self.task = None


def _named(step: str) -> str:
    """What a step is called in mails and here; its own name where it has no other."""
    say = wording(language())
    code = f"notice.step.{step}"
    return say(code) if code in say.texts else step


@contextmanager
def progress_shown(night: Night) -> Iterator[None]:
    """Show the steps of a run, if stderr is a terminal that can redraw a line."""
    console = error_console()
    if not is_watched() or console.is_dumb_terminal:
        yield
        return
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TaskProgressColumn())
    # What is printed goes where it was sent: stdout may be a file while stderr is a terminal.
    with Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    ) as bars:
        night.recorder.progress = StepBars(bars)
        yield
