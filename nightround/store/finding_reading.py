"""Findings read as they are now: by position and as text, because every night reads all of them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, cast, or_, select

from nightround.model.finding import Finding, FindingState, Resolution
from nightround.model.finding_answer import FindingAnswer, Snooze
from nightround.model.fix_proof import FixProof
from nightround.model.language import Words
from nightround.model.rule import Severity
from nightround.store.history_chain import salted_digest
from nightround.store.observed_values import UnreadableValues, ValueSealer, sealer_of
from nightround.store.schema import finding_history, findings
from nightround.store.settled_rows import of_settled_rule
from redcap_sync.rows.tables import RowKey

SEVERITIES = {one.value: one for one in Severity}
STATES = {one.value: one for one in FindingState}
VERSION_DIGITS = 16
_Said = tuple[FindingAnswer | None, Snooze | None]
READ_COLUMNS: tuple[ColumnElement[Any], ...] = (
    *(findings.c[name] for name in ("id", "study", "rule_id", "record", "event", "instrument", "instance")),
    *(findings.c[name] for name in ("owner", "times_reopened", "severity", "state", "resolution")),
    *(findings.c[name] for name in ("logic", "title_zh", "title_en", "under", "deviation", "cohort_group")),
    *(
        cast(findings.c[name], Text)
        for name in ("fields", "others", "observed", "opened_at", "last_seen_at", "resolved_at", "proof")
    ),
)
"""By position, and what is costly to read as text: every night reads all findings, and most cells are repeated."""


def read_findings(connection: Connection, study: str, *, but_settled: bool = False) -> tuple[Finding, ...]:
    """All findings of a study, open and closed, in the order of their ids; or those of no settled rule."""
    of_study = findings.c.study == study
    if but_settled:
        of_study &= ~of_settled_rule(study)
    query = select(*READ_COLUMNS).where(of_study).order_by(findings.c.id)
    cells = _Cells(sealer_of(connection))
    found = tuple(_finding(row, cells) for row in connection.execute(query))
    said = _read_said(connection, study, cells)
    if not said:
        return found
    return tuple(
        replace(one, answer=said[one.id][0], snooze=said[one.id][1]) if one.id in said else one for one in found
    )


def _read_said(connection: Connection, study: str, cells: _Cells) -> dict[str, _Said]:
    """What was said of the findings of a study, by their ids: of few, and so in a query of its own."""
    columns = (cast(findings.c[name], Text) for name in ("answer", "snooze", "comment"))
    said = or_(findings.c.answer.is_not(None), findings.c.snooze.is_not(None))
    rows = connection.execute(select(findings.c.id, *columns).where(findings.c.study == study, said))
    return {row[0]: cells.said(*row) for row in rows}


def read_versions(connection: Connection, study: str) -> dict[str, str]:
    """The version of each finding by its id: another one after each line of its history and each change of its values.

    It is a digest with the secret salt of the last line, so that nobody learns a value from it. A finding whose values
    are sealed, and whose key is not given, has none.
    """
    query = select(finding_history.c.finding_id, finding_history.c.salt).where(finding_history.c.study == study)
    salts = dict(tuple(row) for row in connection.execute(query.order_by(finding_history.c.position)))
    return {
        one.id: salted_digest(salts[one.id], [one.state.value, one.logic, dict(one.observed)])[:VERSION_DIGITS]
        for one in read_findings(connection, study)
        if salts.get(one.id) and not isinstance(one.observed, UnreadableValues)
    }


class _Cells:
    """Reads stored text; what was read before is looked up."""

    def __init__(self, sealer: ValueSealer) -> None:
        self._sealer = sealer
        self._times: dict[str, datetime] = {}
        self._fields: dict[str, tuple[str, ...]] = {}
        self._titles: dict[tuple[str, str], Words] = {}
        self._observed: dict[str, Mapping[str, str]] = {}

    def time(self, text: str) -> datetime:
        if text not in self._times:
            read = datetime.fromisoformat(text)
            self._times[text] = read.replace(tzinfo=UTC) if read.tzinfo is None else read.astimezone(UTC)
        return self._times[text]

    def title(self, zh: str, en: str) -> Words:
        if (zh, en) not in self._titles:
            self._titles[zh, en] = Words(zh, en)
        return self._titles[zh, en]

    def fields(self, text: str) -> tuple[str, ...]:
        if text not in self._fields:
            self._fields[text] = tuple(json.loads(text))
        return self._fields[text]

    def others(self, text: str | None) -> tuple[RowKey, ...]:
        return tuple(RowKey(*one) for one in json.loads(text)) if text else ()

    def said(self, finding_id: str, answer: str | None, snooze: str | None, comment: str | None) -> _Said:
        """What was said of a finding."""
        kept = self._sealer.read(finding_id, json.loads(comment)) if comment else {}
        return (
            FindingAnswer.read(json.loads(answer), kept) if answer else None,
            Snooze.read(json.loads(snooze), kept) if snooze else None,
        )

    def proof(self, text: str | None) -> FixProof | None:
        return FixProof.read(json.loads(text)) if text else None

    def observed(self, finding_id: str, text: str) -> Mapping[str, str]:
        if text not in self._observed:
            self._observed[text] = self._sealer.read(finding_id, json.loads(text))
        return self._observed[text]


def _finding(row: Sequence[Any], cells: _Cells) -> Finding:
    identity, study, rule_id, record, event, instrument, instance, owner, times_reopened, *others = row
    severity, state, resolution, logic, title_zh, title_en, under, deviation, cohort_group, *texts = others
    fields, group, observed, opened_at, last_seen_at, resolved_at, proof = texts
    return Finding(
        id=identity,
        study=study,
        rule_id=rule_id,
        row=RowKey(record, event, instrument, instance),
        fields=cells.fields(fields),
        severity=SEVERITIES[severity],
        owner=owner,
        state=STATES[state],
        opened_at=cells.time(opened_at),
        last_seen_at=cells.time(last_seen_at),
        resolved_at=cells.time(resolved_at) if resolved_at else None,
        fix=cells.proof(proof),
        resolution=Resolution(resolution) if resolution else None,
        times_reopened=times_reopened,
        observed=cells.observed(identity, observed),
        logic=logic,
        title=cells.title(title_zh, title_en),
        under=under,
        deviation=bool(deviation),
        others=cells.others(group),
        group=cohort_group,
    )
