"""`nightround answer`, `approve`, `snooze` and `assess`: what a person says of one finding."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nightround.cli.finding_documents import SHOWN_ID, opened
from nightround.cli.options import data_option, json_option, study_argument, wait_option
from nightround.cli.printing import print_json, say, text
from nightround.cli.study_job import run_alone

if TYPE_CHECKING:
    from datetime import date, datetime

    from nightround.model.finding import Finding
    from nightround.night.answer_step import Act

CODES = ("data_missing", "typo_corrected", "confirmed_correct", "wrong_source", "other")
"""As `AnswerCode` has them, for `--help`, which imports nothing; a test compares the two."""
GRADES = ("critical", "major", "minor")

finding_argument = click.argument("finding_id", metavar="FINDING")
by_option = click.option("--by", required=True, metavar="WHO", help="Who says it; the history keeps the name.")
comment_option = click.option("--comment", default="", metavar="TEXT", help="Kept with it, sealed with the values.")
day = click.DateTime(formats=["%Y-%m-%d"])


@click.command()
@study_argument
@finding_argument
@click.option("--code", required=True, type=click.Choice(CODES), help="REDCap's code of the answer.")
@by_option
@comment_option
@click.option("--until", type=day, metavar="DATE", help="The day on which the answer holds no longer.")
@wait_option
@data_option
@json_option
def answer(study: str, finding_id: str, code: str, until: datetime | None, **given: Any) -> None:
    """Answer a FINDING of STUDY with one of REDCap's codes.

    confirmed_correct holds for exactly these values; of a critical finding a second person approves it.
    typo_corrected is checked by the next night. The others wait for the data manager.
    """
    from nightround.findings import finding_answers as answers
    from nightround.model.finding_answer import AnswerCode

    _act(
        study,
        finding_id,
        "answer",
        lambda one, author, terms: answers.answer(one, AnswerCode(code), author, terms, until=_date(until)),
        **given,
    )


@click.command()
@study_argument
@finding_argument
@by_option
@click.option("--return", "returned", is_flag=True, help="Return the answer: the finding is asked about again.")
@comment_option
@click.option("--until", type=day, metavar="DATE", help="The day on which the answer holds no longer.")
@wait_option
@data_option
@json_option
def approve(study: str, finding_id: str, until: datetime | None, *, returned: bool, **given: Any) -> None:
    """Accept or return the answer to a FINDING of STUDY.

    Another person than who answered accepts it; it is then a waiver, for exactly the values it was given for.
    """
    from nightround.findings import finding_answers as answers

    if returned and until is not None:
        raise click.UsageError(text("terminal.usage.returned_until"))
    _act(
        study,
        finding_id,
        "approve",
        (lambda one, author, _terms: answers.give_back(one, author))
        if returned
        else lambda one, author, terms: answers.approve(one, author, terms, until=_date(until)),
        **given,
    )


@click.command()
@study_argument
@finding_argument
@click.option("--until", required=True, type=day, metavar="DATE", help="The day on which it comes back.")
@by_option
@comment_option
@wait_option
@data_option
@json_option
def snooze(study: str, finding_id: str, until: datetime, **given: Any) -> None:
    """Put a FINDING of STUDY off to a day.

    It is judged on, stays in doubt, and comes back before that day where it is worse or its values changed.
    """
    from nightround.findings import finding_answers as answers

    _act(
        study,
        finding_id,
        "snooze",
        lambda one, author, terms: answers.snooze(one, author, terms, until.date()),
        **given,
    )


@click.command()
@study_argument
@finding_argument
@click.option("--grade", required=True, type=click.Choice(GRADES), help="How grave the deviation is.")
@by_option
@comment_option
@wait_option
@data_option
@json_option
def assess(study: str, finding_id: str, grade: str, **given: Any) -> None:
    """Assess a FINDING of STUDY that is a protocol deviation.

    Nobody can correct it; it is graded, counted apart and listed in the report.
    """
    from nightround.findings import finding_answers as answers
    from nightround.model.finding_answer import AnswerCode
    from nightround.model.rule import Severity

    _act(
        study,
        finding_id,
        "assess",
        lambda one, author, terms: answers.answer(one, AnswerCode.ASSESSED, author, terms, grade=Severity(grade)),
        **given,
    )


def _act(
    study: str,
    finding_id: str,
    job: str,
    act: Act,
    *,
    by: str,
    comment: str,
    wait: float | None,
    data: Path,
    as_json: bool,
) -> None:
    """Do something to a finding as a run of its own, and print what became of it."""
    from nightround.night.answer_step import act_on

    after = run_alone(study, data, job, lambda night: act_on(night, finding_id, act, by=by, comment=comment), wait=wait)
    with opened(study, data) as (shown, _store):
        document = shown.document(after)
    if as_json:
        print_json({"study": shown.study, "finding": document})
        return
    say(_sentence(after))


def _sentence(one: Finding) -> str:
    """What a finding is now, and what happens next."""
    from nightround.findings.question_answers import is_unknown
    from nightround.model.finding import FindingState
    from nightround.model.finding_answer import JUDGED_BY_MANAGER, AnswerCode

    name = one.id[:SHOWN_ID]
    if one.snooze:
        return text("terminal.answer.snoozed", finding=name, until=str(one.snooze.until))
    if one.state is FindingState.OPEN or one.answer is None:
        return text("terminal.answer.open", finding=name)
    if one.state is FindingState.WAIVED:
        vouched = is_unknown(one.answer.by) and not is_unknown(one.answer.accepted_by)
        return text("terminal.answer.vouched" if vouched else "terminal.answer.waived", finding=name)
    if one.answer.code is AnswerCode.TYPO_CORRECTED:
        return text("terminal.answer.corrected", finding=name)
    by_manager = one.answer.code in JUDGED_BY_MANAGER
    return text("terminal.answer.waits_manager" if by_manager else "terminal.answer.waits_second", finding=name)


def _date(moment: datetime | None) -> date | None:
    return moment.date() if moment else None
