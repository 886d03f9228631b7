"""`nightround doctor`: tries every outside thing of a study."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from nightround.cli.options import data_option, found_content, json_option, study_argument
from nightround.cli.printing import language, print_json, say
from nightround.cli.study_job import now


@click.command()
@study_argument
@data_option
@json_option
def doctor(study: str, data: Path, *, as_json: bool) -> None:
    """Try what STUDY needs, and say what is wrong.

    Tries the server, the token's rights, mail and every channel, the PDF maker, disk, database and clock; lists what
    leaves this machine; says when the next round is. It sends no message and changes nothing.
    """
    from nightround.night.examination import examine

    found = examine(study, data=data, content=found_content(), environ=os.environ, clock=now)
    if as_json:
        print_json(found.document())
    else:
        for line in found.lines(language()):
            say(line)
    sys.exit(found.exit_code)
