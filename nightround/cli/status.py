"""`nightround status`: how the studies are doing."""

import os
import sys
from pathlib import Path

import click

from nightround.cli.options import data_option, found_content, json_option
from nightround.cli.printing import language, print_json, say
from nightround.cli.study_job import now


@click.command()
@click.argument("study", required=False)
@click.option("--check", is_flag=True, help="End with the exit code of what somebody has to see to, for monitoring.")
@click.option(
    "--prometheus",
    "metrics",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write it as metrics for Prometheus too; `-` prints them instead.",
)
@data_option
@json_option
def status(study: str | None, data: Path, *, check: bool, metrics: Path | None, as_json: bool) -> None:
    """Show the last complete round and the last attempt.

    Of STUDY, or of every study: when the last complete round was, how the last attempt ended and why, when the next
    round is, how much of the disk is free, how many findings are open, and which messages did not arrive.
    """
    from nightround.night.status_metrics import metrics_text
    from nightround.night.study_status import status_of
    from redcap_sync.private_files import write_private

    content = found_content()
    found = [status_of(name, data, content, os.environ, now()) for name in ([study] if study else content.studies)]
    if metrics is not None and str(metrics) != "-":
        write_private(metrics, metrics_text(found).encode())
    if as_json:
        print_json({"studies": [one.document() for one in found]})
    elif str(metrics) == "-":
        say(metrics_text(found), nl=False)
    else:
        for one in found:
            for line in one.lines(language()):
                say(line)
    if check:
        sys.exit(next((trouble.exit_code for one in found for trouble in one.troubles()), 0))
