"""`nightround status`: how the studies are doing."""

import os
from pathlib import Path

import click

from nightround.cli.options import data_option, found_content, json_option
from nightround.cli.printing import language, print_json, say
from nightround.cli.study_job import now


@click.command()
@click.argument("study", required=False)
@data_option
@json_option
def status(study: str | None, data: Path, *, as_json: bool) -> None:
    """Show the last complete round and the last attempt.

    Of STUDY, or of every study: when the last complete round was, how the last attempt ended and why, when the next
    round is, how much of the disk is free, and how many findings are open.
    """
    from nightround.night.study_status import status_of

    content = found_content()
    found = [status_of(name, data, content, os.environ, now()) for name in ([study] if study else content.studies)]
    if as_json:
        print_json({"studies": [one.document() for one in found]})
        return
    for one in found:
        for line in one.lines(language()):
            say(line)
