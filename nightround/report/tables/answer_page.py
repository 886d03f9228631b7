"""What the summary begins with: the answer, what changed it, what could still change it, what waits for a decision."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nightround.model.finding import FindingState
from nightround.model.result import ResultKey
from nightround.model.rule import Severity
from nightround.report.numbers.facts import Cause, ChangedNumber, Line, LineVerdict
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.open_version.withheld import is_withheld
from nightround.report.tables.answered_tables import not_graded
from nightround.report.tables.endpoints import (
    ENDPOINTS,
    INTERVALS,
    bounds_note,
    interval_text,
    primary_endpoint,
    printed,
)
from nightround.report.tables.news_page import MOST_RECORDS, news_sentence
from nightround.report.tables.planned_tables import typeset
from nightround.report.tables.trust_page import in_doubt, label_of_line
from nightround.study.plan import Endpoint
from nightround.texts.catalogue import Wording

MOST_NAMES = 3
"""Lines or records named in a sentence; the tables show them all."""


@dataclass(frozen=True)
class SummaryAnswer:
    """One question of a reader, and what answers it, a sentence each."""

    question: str
    texts: tuple[str, ...]


def answers(inputs: ReportInputs, say: Wording) -> tuple[SummaryAnswer, ...]:
    """The four questions in the order a reader has them; one without an answer is left out."""
    asked = {"result": result, "changed": changed, "moves": could_move, "decide": to_decide}
    found = (SummaryAnswer(say(f"answer_{name}"), tuple(texts(inputs, say))) for name, texts in asked.items())
    return tuple(one for one in found if one.texts)


def result(inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """The primary endpoint with its interval."""
    endpoint = primary_endpoint(inputs.plan)
    if endpoint is None:
        return
    label, known = endpoint.label.in_(say.language), printed(inputs.results, endpoint, "n")
    interval = interval_text(inputs, endpoint, INTERVALS[0], say, "percent_interval")
    if is_withheld(inputs, endpoint):
        yield say("headline_endpoint_withheld", label=label, n=known)
    elif not interval:
        yield say("headline_endpoint_unknown", label=label)
    else:
        count, percent = (printed(inputs.results, endpoint, name) for name in ("count", "percent"))
        yield say("headline_endpoint", label=label, count=count, n=known, percent=percent, interval=interval)


def changed(inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """Which records moved the primary endpoint since the last report, and how much else changed."""
    endpoint = primary_endpoint(inputs.plan)
    if inputs.news and inputs.news.changed and endpoint and not is_withheld(inputs, endpoint):
        moved = changed_endpoint(inputs.news.changed, endpoint)
        label = endpoint.label.in_(say.language)
        yield moved_sentence(moved, label, inputs, say) if moved else say("news_endpoint_same", label=label)
    yield news_sentence(inputs, say)


def changed_endpoint(changed_numbers: Iterable[ChangedNumber], endpoint: Endpoint) -> ChangedNumber | None:
    """The percentage of an endpoint, where it is another one now."""
    here = (one for one in changed_numbers if (one.table, one.variable) == (ENDPOINTS, endpoint.id))
    return next((one for one in here if one.statistic == "percent" and not one.group), None)


def moved_sentence(moved: ChangedNumber, label: str, inputs: ReportInputs, say: Wording) -> str:
    """Name the records and both percentages: `2 records were edited (5, 25): patency 67.7% → 69.4%`."""
    causes = say("semicolon").join(cause_clause(cause, inputs, say) for cause in moved.causes)
    before, now = (
        say("of_percent", percent=text) if text else say("news_absent") for text in (moved.before, moved.now)
    )
    return say("news_endpoint", causes=causes, label=label, before=before, now=now)


def cause_clause(cause: Cause, inputs: ReportInputs, say: Wording) -> str:
    """`2 records were edited (5, 25)`, or without their names where no record may be named."""
    if not cause.records:
        return say(f"cause_{cause.kind}")
    clause = say(f"records_{cause.kind}", n=len(cause.records))
    return clause + named_records(cause.records, inputs, say, "named")


def named_records(records: Iterable[str], inputs: ReportInputs, say: Wording, text: str = "") -> str:
    """The records in brackets, the first of many; '' where no record may be named."""
    every = list(dict.fromkeys(records))
    if not inputs.record_ids or not every:
        return ""
    names = say("enumeration").join(every[:MOST_RECORDS])
    more = len(every) - MOST_RECORDS
    text = text or ("in_records" if len(every) > 1 else "in_record")
    return say(text, names=say("and_more", names=names, n=more) if more > 0 else names)


def could_move(inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """What could still change the answer: patients not assessed, values in doubt, conclusions that may turn."""
    endpoint = primary_endpoint(inputs.plan)
    stated = endpoint is not None and not is_withheld(inputs, endpoint)
    found = [text for one in [endpoint] if one and stated for text in endpoint_moves(one, inputs, say)]
    if inputs.trust.membership:
        found.append(say("moves_membership", n=inputs.trust.membership))
    turning = [one.line for one in in_doubt(inputs) if one.verdict is LineVerdict.CONCLUSION]
    if turning:
        found.append(say("moves_conclusions", n=len(turning), names=line_names(turning, inputs, say)))
    if not found and inputs.trust.lines and stated and not in_doubt(inputs):
        found.append(say("moves_nothing"))
    yield from found


def endpoint_moves(endpoint: Endpoint, inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """How far patients who were not assessed, and values in doubt, could move an endpoint."""
    bounds = bounds_note(inputs, endpoint, say)
    if bounds:
        yield bounds
    line = inputs.trust.of(Line(ENDPOINTS, endpoint.id))
    if line and line.open_values:
        low, high = (typeset(text, say.language) for text in line.extremes)
        name = "moves_endpoint" if line.verdict else "moves_endpoint_open"
        yield say(name, label=endpoint.label.in_(say.language), n=line.open_values, low=low, high=high)


def line_names(lines: list[Line], inputs: ReportInputs, say: Wording) -> str:
    """The first lines by name."""
    names = list(dict.fromkeys(label_of_line(line, inputs, say) for line in lines))
    shown, more = say("semicolon").join(names[:MOST_NAMES]), len(names) - MOST_NAMES
    return say("and_more", names=shown, n=more) if more > 0 else shown


def to_decide(inputs: ReportInputs, say: Wording) -> Iterator[str]:
    """What waits for a person: critical findings, answers, deviations without a grade, corrections that count."""
    sentences = [] if inputs.complete else [say("decide_incomplete")]
    critical = [one for one in inputs.delta.in_doubt if one.severity is Severity.CRITICAL]
    if critical:
        named = named_records((one.row.record for one in critical if one.row.record), inputs, say)
        sentences.append(say("decide_critical", n=len(critical), records=named))
    sentences += [say(f"decide_{name}", n=n) for name, n in waiting(inputs).items() if n]
    turning = [one for one in inputs.trust.weights if one.verdict is LineVerdict.CONCLUSION]
    findings = {one.id: one for one in inputs.delta.in_doubt}
    records = [findings[one.finding].row.record for one in turning if one.finding in findings]
    if turning:
        named = named_records((one for one in records if one), inputs, say)
        sentences.append(say("decide_first", n=len(turning), records=named))
    yield from sentences or [say("decide_nothing")]


def waiting(inputs: ReportInputs) -> dict[str, int]:
    """Answers that nobody has accepted, and deviations that nobody has graded."""
    states = Counter(one.state for one in inputs.delta.in_doubt)
    return {"answered": states[FindingState.ANSWERED], "deviations": len(not_graded(inputs))}


def numbers_of_answers(inputs: ReportInputs) -> Iterator[str]:
    """Texts whose numbers the answers may have next to those of the tables: gathered anew, to audit the page."""
    yield from numbers_of_endpoint(inputs)
    causes = [cause for one in inputs.news.changed for cause in one.causes] if inputs.news else []
    yield from (str(n) for cause in causes for n in (len(cause.records), len(cause.records) - MOST_RECORDS))
    turning = [one.line for one in inputs.trust.lines if one.verdict is LineVerdict.CONCLUSION]
    weighty = sum(one.verdict is LineVerdict.CONCLUSION for one in inputs.trust.weights)
    yield from (str(n) for n in (len(turning) - MOST_NAMES, weighty, *waiting(inputs).values()))
    if inputs.record_ids:
        records = [one.row.record for one in inputs.delta.in_doubt if one.row.record]
        yield from (*records, *(record for cause in causes for record in cause.records))
        yield from map(str, range(len(set(records)) - MOST_RECORDS + 1))


def numbers_of_endpoint(inputs: ReportInputs) -> Iterator[str]:
    """The primary endpoint's bounds, its extremes, and its percentage before and now."""
    endpoint = primary_endpoint(inputs.plan)
    if endpoint is None:
        return
    found = (inputs.results.get(ResultKey("bounds", endpoint.id, name)) for name in ("lowest", "highest", "n"))
    yield from (row.text for row in found if row)
    line = inputs.trust.of(Line(ENDPOINTS, endpoint.id))
    yield from (*line.extremes, str(line.open_values)) if line else ()
    moved = changed_endpoint(inputs.news.changed, endpoint) if inputs.news else None
    yield from (moved.before, moved.now) if moved else ()
