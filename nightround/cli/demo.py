"""`nightround demo`: the whole story on the sandbox."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightround.cli.printing import (
    ListColumn,
    cells_of,
    head,
    language,
    number,
    padded,
    print_table,
    ruled_heading,
    say,
    say_in,
    text,
    value,
    words,
)

if TYPE_CHECKING:
    from nightround.night.summary import Summary
    from nightround.simulation.demo import Edits


@click.command()
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo"),
    show_default=True,
    help="Where everything is written; an earlier demo there is replaced.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, other synthetic patients.")
@click.option("--nights", type=click.IntRange(1, 3), default=3, show_default=True, help="How many nights to show.")
def demo(out: Path, seed: int, nights: int) -> None:
    """Show three nights of synthetic patients on the sandbox.

    Night 1 finds planted errors, before night 2 some are fixed, before night 3 one comes back.
    """
    show(out, seed=seed, nights=nights, environ=os.environ)


def show(out: Path, *, seed: int, nights: int, environ: Mapping[str, str]) -> None:
    """Run the demo, print each scene as it ends, and say what to open."""
    from nightround.simulation.demo import Edits, Loaded, play, worth_opening

    for scene in play(out, seed=seed, nights=nights, environ=environ):
        match scene:
            case Loaded():
                say_in("bold", text("terminal.demo.title"))
                say(text("terminal.demo.sandbox", url=scene.url, patients=scene.patients))
            case Edits():
                _print_edits(scene)
            case _:
                _print_night(scene)
    say_in("bold", text("terminal.demo.open"))
    opened = [(text(code, **facts), path) for code, facts, path in worth_opening(out)]
    width = max(map(cells_of, (name for name, _ in opened)))
    for name, path in opened:
        say(f"  {padded(name, width)} {path}")


def _print_edits(edits: Edits) -> None:
    say("")
    ruled_heading(f"{edits.title.in_(language())}  {edits.before:%Y-%m-%d}")
    breaks, fixes = (value("demo_edit", code) for code in ("breaks", "fixes"))
    rows = [
        (text("printed.demo_edit.record", record=record), breaks if broken else fixes, rule, note.in_(language()))
        for record, broken, rule, note in edits.made
    ]
    verdict = ListColumn("", styles={breaks: "red", fixes: "green"})
    print_table(("", verdict, "", words("")), rows, heads=False)
    say("")


def _print_night(summary: Summary) -> None:
    changes = ("opened", "reopened", "persisting", "resolved")
    left = [(value("demo_findings", name), str(summary.findings[name])) for name in changes]
    right = [(value("outcome", name), str(count)) for name, count in summary.outcomes.items()]
    rows = [(*finding, *rule) for finding, rule in zip(left, right, strict=True)]
    print_table((head("findings"), number(""), head("rules"), number("")), rows)
    code = "terminal.demo.complete" if summary.complete else "terminal.demo.incomplete"
    say(text(code, severity=value("severity", summary.limit.value), count=summary.severe))
