"""`nightround demo`: the whole story on the sandbox."""

import os
from pathlib import Path

import click


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
    from nightround.simulation.demo import run_demo

    run_demo(out, seed=seed, nights=nights, environ=os.environ)
