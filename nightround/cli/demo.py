"""`nightround demo`: the whole story on the sandbox."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightround.cli.printing import ListColumn, number, print_table, ruled_heading, say, say_in, text, words

if TYPE_CHECKING:
    from nightround.night.summary import Summary
    from nightround.simulation.demo import Edits

BREAKS, FIXES = "breaks", "fixes"


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
    for name, path in worth_opening(out):
        say(f"  {name:22} {path}")


def _print_edits(edits: Edits) -> None:
    say("")
    ruled_heading(f"{edits.title}  {edits.before:%a %Y-%m-%d}")
    rows = [(f"record {record}", BREAKS if breaks else FIXES, rule, note) for record, breaks, rule, note in edits.made]
    verdict = ListColumn("", styles={BREAKS: "red", FIXES: "green"})
    print_table(("", verdict, "", words("")), rows, heads=False)
    say("")


def _print_night(summary: Summary) -> None:
    left = [(name, str(summary.findings[name])) for name in ("opened", "reopened", "persisting", "resolved")]
    right = [(name.replace("_", " "), str(count)) for name, count in summary.outcomes.items()]
    rows = [(*finding, *rule) for finding, rule in zip(left, right, strict=True)]
    print_table(("findings", number(""), "rules", number("")), rows)
    code = "terminal.demo.complete" if summary.complete else "terminal.demo.incomplete"
    say(text(code, severity=summary.limit.value, count=summary.severe))
