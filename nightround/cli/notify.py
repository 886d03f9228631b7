"""`nightround notify`: every message of a study with its state, and a message that tries a channel."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import click

from nightround.cli.options import data_option, found_content, json_option, study_argument
from nightround.cli.printing import head, heads, in_words, language, print_json, print_table, text, value, words
from nightround.cli.study_job import now, run

EXIT_NOT_DELIVERED = 12


@click.command()
@study_argument
@data_option
@click.option("--test", "role", metavar="ROLE", help="Send one harmless message by each channel of this role.")
@click.option("--release", "rule", metavar="RULE", help="Let others than the data manager see what a rule holds back.")
@click.option("--by", "who", metavar="WHO", help="Who releases it; the database keeps the name.")
@json_option
def notify(study: str, data: Path, role: str | None, rule: str | None, who: str | None, *, as_json: bool) -> None:
    """List messages of STUDY, try a channel, or release a rule.

    A rule that holds findings back after a flood is released by --release.

    A message is delivered only where a server said so, written where it is a file of the outbox folder, waiting where
    no server has it, unknown where one has it perhaps, and refused where one said no.
    """
    if (rule is None) != (who is None) or (rule is not None and role is not None):
        raise click.UsageError(text("terminal.usage.release_by"))
    if rule is not None and who is not None:
        _release(study, data, rule, who, as_json=as_json)
    if role is not None:
        _try(study, data, role, as_json=as_json)
        return
    from nightround.night.outbox_step import messages_document

    in_language = "en" if as_json else language()
    document = messages_document(study, data=data, content=found_content(), environ=os.environ, language=in_language)
    if as_json:
        print_json(document)
        return
    columns = (*heads("written_at", "role", "channel", "state"), words(head("subject")))
    print_table((*columns, words(head("server_said"))), map(_row, document["messages"]))


def _release(study: str, data: Path, rule: str, who: str, *, as_json: bool) -> NoReturn:
    from nightround.night.flood_step import release_flood

    run(study, data, "release", as_json=as_json, steps=lambda night: release_flood(night, rule, by=who))


def _row(one: dict[str, Any]) -> list[str]:
    written_at, role, channel, subject, answer = (
        str(one[name]) for name in ("written_at", "role", "channel", "subject", "said")
    )
    return [written_at, role, channel, value("delivery", one["state"]), subject, answer]


def _try(study: str, data: Path, role: str, *, as_json: bool) -> None:
    """Send a message by each channel of a role, print what came back, and end with 12 where one did not get through."""
    from nightround.night.outbox_step import try_channels

    tried = try_channels(
        study, role, data=data, content=found_content(), environ=os.environ, clock=now, sleep=time.sleep
    )
    code = 0 if all(one.state.arrived for one in tried) else EXIT_NOT_DELIVERED
    if as_json:
        channels = [{"channel": one.channel, "state": one.state.value, "said": str(one.said)} for one in tried]
        print_json({"role": role, "channels": channels, "exit_code": code})
    else:
        rows = [[one.channel, value("delivery", one.state), in_words(one.said)] for one in tried]
        print_table((head("channel"), head("state"), words(head("server_said"))), rows)
    sys.exit(code)
