"""The list of findings as CSV: where each is, since when, what to do. No patient's value is in it.

It names each record: it is for who may read the data folder, and mails refer to it by the id of a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from operator import attrgetter

from nightround.model.finding import Finding, FindingState
from nightround.model.language import LANGUAGES, Language
from nightround.model.links import ComparedField, Places
from nightround.model.rule import Rule
from nightround.texts.csv_text import csv_text

OTHER_ROWS, BETWEEN_ROWS = "other_rows", "; "
COLUMNS = (
    "finding",
    "state",
    "severity",
    "rule",
    "title_zh",
    "title_en",
    "record",
    "event",
    "instrument",
    "instance",
    "fields",
    "to_compare",
    OTHER_ROWS,
    "group",
    "owner",
    "opened_at",
    "last_seen_at",
    "resolved_at",
    "resolution",
    "proof",
    "changed_by",
    "changed_at",
    "closed_without_change",
    "answer",
    "answered_by",
    "answered_on",
    "accepted_by",
    "times_reopened",
    "switched_off_until",
    "under",
    "link",
)


def findings_list(
    findings: Iterable[Finding],
    rules: Mapping[str, Rule],
    places: Places,
    off: Mapping[str, date],
    languages: Sequence[Language] = LANGUAGES,
) -> str:
    """Write findings, open and closed, worst first; `places` are those with record ids.

    There is a title for each of `languages`. `off` are the rules that are switched off, with the day on which each is
    judged again.
    """
    ordered = sorted(findings, key=attrgetter("order"))
    cells = (_cells(finding, rules.get(finding.rule_id), places, off.get(finding.rule_id)) for finding in ordered)
    left_out = {f"title_{language}" for language in LANGUAGES if language not in languages}
    shown = [column for column in COLUMNS if column not in left_out]
    return csv_text(shown, (_shown(dict(zip(COLUMNS, row, strict=True)), shown) for row in cells))


def _shown(row: Mapping[str, object], columns: Iterable[str]) -> dict[str, object]:
    return {column: row[column] for column in columns}


def _cells(finding: Finding, rule: Rule | None, places: Places, off: date | None) -> tuple[object, ...]:
    row = places.place_of(finding, rule)
    return (
        finding.id,
        finding.state.value,
        finding.severity.value,
        finding.rule_id,
        *finding.shown_as(rule),
        row.record,
        row.event,
        row.instrument,
        row.instance or "",
        " ".join(finding.fields),
        "; ".join(_compared(one, places) for one in places.to_compare(finding, rule)),
        BETWEEN_ROWS.join(" ".join(str(part) for part in other if part) for other in finding.others),
        finding.group,
        finding.owner,
        finding.opened_at.isoformat(),
        finding.last_seen_at.isoformat(),
        finding.resolved_at.isoformat() if finding.resolved_at else "",
        finding.resolution.value if finding.resolution else "",
        *_proof_cells(finding),
        *_answer_cells(finding),
        finding.times_reopened,
        off.isoformat() if off else "",
        finding.under,
        places.link(finding, rule),
    )


def _compared(one: ComparedField, places: Places) -> str:
    """A field by label and name, with its visits where it is read at another one too."""
    facts = [one.name] if one.label else []
    facts += [places.events.get(event, event) for event in one.events]
    return f"{one.label or one.name} ({', '.join(facts)})" if facts else one.name


def _proof_cells(finding: Finding) -> tuple[str, str, str, str]:
    proof = finding.proof
    if proof is None:
        return ("", "", "", "")
    return (proof.grade.value, proof.by, proof.at, "yes" if finding.closed_without_change else "no")


def _answer_cells(finding: Finding) -> tuple[str, str, str, str]:
    """What was said of a finding, by whom and on which day (UTC), and who accepted it; never the comment."""
    if (said := finding.snooze) is not None:
        return (FindingState.SNOOZED.value, said.by, f"{said.at:%Y-%m-%d}", "")
    if (answer := finding.answer) is None:
        return ("", "", "", "")
    return (answer.code.value, answer.by, f"{answer.at:%Y-%m-%d}", answer.accepted_by)
