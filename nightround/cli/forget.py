"""`nightround forget`: removes a withdrawn patient's values from everything Nightround keeps of a study."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nightround.cli.options import data_option, found_content, json_option, study_argument
from nightround.cli.printing import language, log_to_stderr, print_json, say, text
from nightround.cli.study_job import now
from nightround.texts.catalogue import wording
from redcap_sync.messages import Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nightround.night import Night
    from nightround.night.forget_step import Forgotten

OUT_OF_REACH = ("terminal.forget.backups", "terminal.forget.mails", "terminal.forget.redcap")


@click.command()
@study_argument
@click.argument("record")
@click.option("--by", required=True, metavar="WHO", help="Who decided it; kept with the hour and the counts.")
@click.option("--still-in-redcap", is_flag=True, help="Also while REDCap has the record, and brings it back.")
@data_option
@json_option
def forget(study: str, record: str, by: str, data: Path, *, still_in_redcap: bool, as_json: bool) -> None:
    """Remove a withdrawn RECORD from all that is kept of STUDY.

    Delete the record in REDCap first and make a round: while the last snapshot has it, the next pull would bring it
    back, so this is refused without --still-in-redcap.
    """
    from nightround.night.run_job import open_night, run_job

    log_to_stderr()
    done: list[Forgotten] = []

    def steps(night: Night) -> None:
        done.append(night.forget(record, by=by, though_in_redcap=still_in_redcap))

    with open_night(
        study, data=data, job="forget", content=found_content(), environ=os.environ, clock=now, sleep=time.sleep
    ) as night:
        run_job(night, "forget", steps)
    if as_json:
        print_json(
            {
                "study": night.facts.study.id,
                **done[0].document(),
                "out_of_reach": [str(Message.of(code)) for code in OUT_OF_REACH],
            }
        )
        return
    for line in _lines(done[0]):
        say(line)


def _lines(done: Forgotten) -> Iterator[str]:
    counts = wording(language()).listed(
        text(f"printed.forgotten.{name}", count=count) for name, count in done.counts.items()
    )
    yield text("terminal.forget.removed", counts=counts)
    yield from (text("terminal.forget.past_report", report=str(one)) for one in done.past_reports)
    yield from (text("terminal.forget.removed_report", path=one) for one in done.removed_reports)
    yield from (text("terminal.forget.given", who=str(one)) for one in done.given)
    yield from (text("terminal.forget.still_has", path=one) for one in done.still_has)
    yield from (text("terminal.forget.out_of_reach", what=text(one)) for one in OUT_OF_REACH)
    if done.still_in_redcap:
        yield text("terminal.forget.still_in_redcap")
