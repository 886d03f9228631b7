"""What a file of data queries, saved by a person from REDCap, says of the findings. Pure.

A query is a person's, about a field. A finding of that field is known to be asked about; a response that stands is its
answer, but only where it was given after the finding was opened, or asked about again, and for the values that it has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from nightround.findings.finding_answers import Terms, answer
from nightround.findings.workflow_plan import CODE_OF
from nightround.model.finding import Finding, FindingState
from nightround.model.finding_answer import Author
from nightround.store.question_rows import Question, Road
from redcap_sync.dictionary import Dictionary
from redcap_sync.write_back.saved_queries import SavedQuery

WITH_ARM = re.compile(r"(?P<label>.*) \(Arm (?P<arm>[0-9]{1,9}): .*\)")
"""`Event 1 (Arm 1: Arm 1)`, as REDCap's page writes an event."""


class QueryFate(StrEnum):
    """What a query of the file is to the findings."""

    ANSWERED = "answered"
    """Its response is the answer of a finding from now on."""
    ALREADY = "already"
    """Its response was taken over before."""
    WITHOUT = "without"
    """It is about a finding, and nobody responded, or nobody has to any more."""
    EARLIER = "earlier"
    """Its response was given before the finding was, or for other values, or nobody knows when."""
    UNMATCHED = "unmatched"
    """It is about no live finding."""


@dataclass(frozen=True)
class SavedFate:
    """A query of the file, and what it is to the findings."""

    query: SavedQuery
    fate: QueryFate
    findings: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The same as JSON: the row of the file, and no comment."""
        return {
            "row": self.query.line,
            "record": self.query.record,
            "field": self.query.field_name,
            "fate": self.fate.value,
            "findings": list(self.findings),
        }


@dataclass(frozen=True)
class Given:
    """A response as an answer: to which finding, by whom, and when, as far as its time can be read."""

    finding: Finding
    query: SavedQuery
    moments: tuple[datetime, ...]


@dataclass
class SavedAnswers:
    """Reads the queries of a file one after another."""

    dictionary: Dictionary
    asked: Mapping[str, Sequence[Question]]
    author: Author
    terms: Terms
    moments: Callable[[SavedQuery], tuple[datetime, ...]]
    """What the time of a query can be."""
    holds: Callable[[Given], bool]
    """Whether a response was given after a finding was, and for the values that it has now."""
    named: Callable[[str], str]
    """The role of a user of REDCap, or the user name."""
    moves: list[Finding] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def read(self, queries: Iterable[SavedQuery], known: Iterable[Finding]) -> list[SavedFate]:
        """Take the responses over; gives what each query is."""
        by_place: dict[tuple[str, str], list[Finding]] = {}
        for finding in known:
            for name in finding.fields if finding.state.live else ():
                by_place.setdefault((finding.row.record, name), []).append(finding)
        return [self._one(query, by_place) for query in queries]

    def _one(self, query: SavedQuery, by_place: dict[tuple[str, str], list[Finding]]) -> SavedFate:
        there = by_place.get((query.record, query.field_name), [])
        mine = [one for one in there if self._is_at(query, one)]
        if not mine:
            return SavedFate(query, QueryFate.UNMATCHED)
        fates = {self._answer(query, one, there) for one in mine if len(one.fields) == 1} or {QueryFate.WITHOUT}
        fate = next(one for one in QueryFate if one in fates)
        return SavedFate(query, fate, tuple(one.id for one in mine))

    def _is_at(self, query: SavedQuery, finding: Finding) -> bool:
        if finding.row.instance != query.instance and (finding.row.instance or query.instance > 1):
            return False
        return not self.dictionary.longitudinal or self._is_event(query.event, finding.row.event)

    def _is_event(self, written: str, event: str) -> bool:
        """Whether a file means an event: by its number, its unique name, its label, or that with its arm."""
        found = next((one for one in self.dictionary.events if one.unique_name == event), None)
        if found is None:
            return False
        if split := WITH_ARM.fullmatch(written):
            return (split["label"], int(split["arm"])) == (found.label, found.arm)
        return written in {event, found.label, str(found.event_id or event)}

    def _answer(self, query: SavedQuery, finding: Finding, there: list[Finding]) -> QueryFate:
        identity = f"file-{query.digest}{finding.id[:8]}"
        if any(one.id == identity for one in self.asked.get(finding.id, ())):
            return QueryFate.ALREADY
        can_be = finding.state in (FindingState.OPEN, FindingState.SNOOZED) and not finding.deviation
        if not query.response or not can_be:
            return QueryFate.WITHOUT
        if not self.holds(Given(finding, query, self.moments(query))):
            return QueryFate.EARLIER
        by = self.author._replace(by=self.named(query.by) or self.author.by, comment=query.comment)
        self.moves += answer(finding, CODE_OF[query.response], by, self.terms)
        self.questions.append(Question(identity, finding.id, 0, finding.state.value, taken=True, road=Road.FILE))
        there[there.index(finding)] = self.moves[-1]
        return QueryFate.ANSWERED
