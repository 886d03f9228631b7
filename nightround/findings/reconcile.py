"""The ledger: violations followed through time, from the night they open to a proven end.

Everything here is pure: what is known, what tonight's outcomes say, and the hour are arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from itertools import count
from operator import attrgetter
from typing import Any

from nightround.findings.lifecycle import AskedTonight, Moment, closed, seen, unseen
from nightround.findings.lineage import Rename, follow
from nightround.findings.one_cause import speaking_for, spoken_for
from nightround.model.doubts import Doubts
from nightround.model.finding import PARTS, Finding, FindingState, LedgerDelta, Resolution, finding_id
from nightround.model.outcome import Outcome, Status, Violation
from nightround.model.rule import Rule
from nightround.store.settled_rows import NOTHING, NotRead
from nightround.study.rules.rule_logic import logic_hash
from redcap_sync.rows.tables import RowKey

LIVE_PARTS = ("opened", "reopened", "persisting", "untouched", "quiet")
"""The parts of a delta whose findings are not closed."""
TONIGHT = ("row", "others", "group", "fields", "observed", "severity", "owner", "logic", "deviation", "title")
"""What of a finding follows the violation that was seen tonight, and the rule as it is written today."""
OF_TONIGHT = attrgetter(*TONIGHT)
JUDGED = frozenset({Status.PASSED, Status.FAILED})
NO_DOUBTS = Doubts()


def reconcile(
    study: str,
    known: Iterable[Finding],
    outcomes: Iterable[Outcome],
    rules: Mapping[str, Rule],
    *,
    rows: Container[RowKey],
    complete: bool,
    now: datetime,
    renames: Sequence[Rename] = (),
    names: Mapping[str, str] | None = None,
    doubts: Doubts = NO_DOUBTS,
    quiet: Container[str] = (),
    today: date | None = None,
    taken_at: datetime | None = None,
    not_read: NotRead = NOTHING,
) -> LedgerDelta:
    """Hold what is known against tonight's outcomes and say what opened, stays, closed or came back.

    `known` are all findings of the study, `rules` its rules by id, `rows` the keys of every row in the snapshot's
    tables. `complete` is false when the run could not see everything: it then closes nothing, because a violation
    that is not seen proves nothing. It still opens and confirms, because a violation on a row that was exported is
    there whatever else was missing; only one on a row that is not in the snapshot waits for a complete night.

    A live finding that is not seen again on a complete night is closed when its rule was judged, or when no row was
    in the rule's scope; the `resolution` says which proof closed it. Only a rule that asks what it asked when it
    saw the finding last can prove anything of the row: after an edit the finding is withdrawn as `rule_changed`. A
    rule that could not be evaluated or gave no outcome closes nothing. The findings of a rule that the study has no
    longer are withdrawn. What a night has `doubts` about it does not close, however often it is missing; and of
    records with a row in doubt, or of all rows together where any is, it believes no violation on a row that is not
    there, nor one on an answer that is in doubt itself.

    Before all this findings go with the records of `renames`, in their order, and with rules that have another id:
    by what a rule says that it `was`, and by `names`. Where a record has taken the name of one that is gone, the
    findings of that one are closed on any night: REDCap gives a name only once, so that the log is the proof.

    What was said of a finding holds as `lifecycle` says; `today` is the day on the study's clock, `taken_at` the
    hour of the snapshot, both those of `now` unless given.

    At last each live finding that has its cause in common with a more specific one is put `under` that one, see
    `one_cause`; rules that are `quiet`, because they are switched off, speak for no other.

    Rules that are `not_read`, because nothing of their findings changes, have none among the `known`, and their
    outcomes are left aside.

    Raises ValueError when the arguments contradict each other: findings of another study, one rule with two
    outcomes, an outcome of a rule that is not in `rules`, a time without a zone.
    """
    by_rule = _outcomes_by_rule(outcomes, rules)
    before = _findings_by_id(study, known)
    if now.tzinfo is None:
        raise ValueError("now needs a time zone")
    followed = follow(before.values(), rules.values(), renames, names or {}, rows)
    moment = Moment(now, today or now.date(), taken_at or now)
    night = _Night(study, rules, by_rule, rows, followed.gone, moment, not_read)
    delta = _delta(night, followed.findings, before, complete=complete, doubts=doubts)
    return _in_order(delta, speaking_for((one for name in LIVE_PARTS for one in delta[name]), rules, quiet))


def _delta(
    night: _Night, known: Sequence[Finding], before: Mapping[str, Finding], *, complete: bool, doubts: Doubts
) -> dict[str, list[Finding]]:
    """The known findings, and those that open, by what became of them."""

    def believed(violation: Violation) -> bool:
        in_doubt = violation.row.record in doubts.records if violation.row.record else bool(doubts.records)
        sure = complete and not in_doubt
        return sure or (violation.row in night.rows and not doubts.blanks(violation))

    delta = {name: list[Finding]() for name in PARTS}
    found = night.seen(known, believed)
    for identity, (finding, violation) in found.items():
        after = night.confirmed(identity, finding, violation)
        delta[_part(finding, after)].append(after)
    for finding in known:
        if finding.id not in found:
            sure = complete and not doubts.withhold(finding)
            for part, after in night.unseen(finding, before[finding.id], complete=sure):
                delta[part].append(after)
    return delta


def _in_order(delta: Mapping[str, list[Finding]], under: Mapping[str, str]) -> LedgerDelta:
    """The delta, with the finding that speaks for each open one."""
    speaking = {name: spoken_for(found, under) if name in LIVE_PARTS else found for name, found in delta.items()}
    return LedgerDelta.of({name: sorted(found, key=attrgetter("order")) for name, found in speaking.items()})


def withdraw(known: Iterable[Finding], reason: Callable[[Finding], Resolution | None], now: datetime) -> LedgerDelta:
    """Close the live findings that a person's decision leaves without a rule or a field: those with a reason."""
    gone = (closed(one, why, now) for one in known if one.state.live and (why := reason(one)))
    return LedgerDelta(resolved=tuple(sorted(gone, key=attrgetter("order"))))


@dataclass(frozen=True)
class _Night:
    """What a night says of findings."""

    study: str
    rules: Mapping[str, Rule]
    outcomes: Mapping[str, Outcome]
    rows: Container[RowKey]
    gone: frozenset[str]
    moment: Moment
    not_read: NotRead
    hashes: dict[str, str] = field(default_factory=dict)
    shown: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    violated: dict[str, frozenset[RowKey]] = field(default_factory=dict)

    def logic(self, rule: Rule) -> str:
        """The hash of a rule's logic, worked out once a night."""
        if rule.id not in self.hashes:
            self.hashes[rule.id] = logic_hash(rule)
        return self.hashes[rule.id]

    def of_rule(self, rule_id: str) -> tuple[Any, ...]:
        """What a finding has of its rule, worked out once a night."""
        if rule_id not in self.shown:
            rule = self.rules[rule_id]
            self.shown[rule_id] = (rule.severity, rule.owner, self.logic(rule), rule.deviation, rule.finding_title)
        return self.shown[rule_id]

    def seen(
        self, known: Iterable[Finding], believed: Callable[[Violation], bool]
    ) -> dict[str, tuple[Finding | None, Violation]]:
        """Tonight's violations by the id of their finding, with what is known of it; those that are `believed`."""
        places = _Places.of(one for one in known if one.id not in self.gone)
        ids = {one.id for one in known}
        seen: dict[str, tuple[Finding | None, Violation]] = {}
        for outcome in (one for one in self.outcomes.values() if one.rule_id not in self.not_read.rules):
            for violation in filter(believed, _violations_of(outcome)):
                before = places.finding(violation, seen)
                if before is None:
                    identity = self._new_id(violation, ids)
                    ids.add(identity)
                    seen[identity] = (None, violation)
                else:
                    seen[before.id] = (before, violation.seen_from(before.row) if violation.others else violation)
        return seen

    def _new_id(self, violation: Violation, taken: Container[str]) -> str:
        numbered = (
            finding_id(
                self.study, violation.rule_id, violation.row, violation.fields, number=number, group=violation.group
            )
            for number in count()
        )
        return next(one for one in numbered if one not in taken and one not in self.not_read.ids)

    def confirmed(self, identity: str, before: Finding | None, violation: Violation) -> Finding:
        """The finding of a violation seen tonight. What it has of its rule follows the rule as it is written today."""
        *of_rule, title = self.of_rule(violation.rule_id)
        shown = violation.said if any(violation.said) else title
        place = (violation.row, violation.others, violation.group, violation.fields)
        said = (*place, violation.observed, *of_rule, shown)
        now = self.moment.now
        after = before
        if before is not None and before.state is not FindingState.OPEN:
            rule = self.rules[violation.rule_id]
            after = seen(before, violation, AskedTonight(self.logic(rule), rule.severity), self.moment)
        if after is not None and OF_TONIGHT(after) == said:
            return after.seen_again(now)
        of_tonight: dict[str, Any] = dict(zip(TONIGHT, said, strict=True))
        if after is not None:
            return replace(after, last_seen_at=now, **of_tonight)
        return Finding(
            id=identity,
            study=self.study,
            rule_id=violation.rule_id,
            state=FindingState.OPEN,
            opened_at=now,
            last_seen_at=now,
            **of_tonight,
        )

    def unseen(self, finding: Finding, before: Finding, *, complete: bool) -> Iterator[tuple[str, Finding]]:
        """What becomes of a finding that the night did not see, by the part of the delta that it belongs to, if any."""
        if finding.state.live:
            proof = self.proof(finding, complete=complete)
            after = closed(finding, proof, self.moment.now) if proof else unseen(finding, self.moment)
            left = "quiet" if after.state.quiet else "untouched"
            yield "resolved" if proof else left if after is finding else "reopened", after
        elif finding is not before:
            yield "moved", finding

    def proof(self, finding: Finding, *, complete: bool) -> Resolution | None:
        """Why a finding that a night did not see again may be closed; None when nothing proves it."""
        if finding.id in self.gone:
            return Resolution.ROW_REMOVED
        return self._of_rule(finding) if complete else None

    def _of_rule(self, finding: Finding) -> Resolution | None:
        """What became of the rule of a finding, or what a complete night proves by it."""
        outcome, rule = self.outcomes.get(finding.rule_id), self.rules.get(finding.rule_id)
        if rule is None:
            return Resolution.RULE_WITHDRAWN
        if outcome is None or outcome.status is Status.NOT_EVALUATED:
            return None
        return Resolution.RULE_CHANGED if self._asks_something_else(finding, rule) else self._of_row(finding, outcome)

    def _of_row(self, finding: Finding, outcome: Outcome) -> Resolution:
        """What a rule that was judged proves of a row that it finds nothing wrong with."""
        if finding.of_cohort:
            tested = (finding.fields, finding.group) in outcome.tested
            return Resolution.FIXED if tested and outcome.status in JUDGED else Resolution.OUT_OF_SCOPE
        if not all(row in self.rows for row in finding.rows):
            return Resolution.ROW_REMOVED
        if any(row in outcome.blank_rows for row in finding.rows):
            return Resolution.EMPTIED
        judged = outcome.judged_rows is None or finding.row in outcome.judged_rows
        # Whether other rows are in scope must not decide: with one in-scope row elsewhere the rule would be
        # `passed` and close this finding, so with none it is closed too, and the reason says what was proven.
        return Resolution.FIXED if judged and outcome.status in JUDGED else Resolution.OUT_OF_SCOPE

    def _asks_something_else(self, finding: Finding, rule: Rule) -> bool:
        """Whether the rule was edited since it saw the finding, or another finding speaks for the row now."""
        edited = bool(finding.logic) and finding.logic != self.logic(rule)
        return edited or (not finding.of_cohort and finding.row in self._violated_by(finding.rule_id))

    def _violated_by(self, rule_id: str) -> frozenset[RowKey]:
        """Every row that breaks a rule tonight; only asked for rules with a finding that was not seen again."""
        if rule_id not in self.violated:
            found = _violations_of(self.outcomes[rule_id])
            self.violated[rule_id] = frozenset(row for violation in found for row in violation.rows)
        return self.violated[rule_id]


@dataclass(frozen=True)
class _Places:
    """The known findings by rule, row and fields. To look one up takes a quarter of the time that its hash takes."""

    by_weight: Sequence[Finding]
    of_row: Mapping[tuple[str, RowKey], Finding]
    """Live findings that show other fields than their rule does now are found by their row."""
    of_group: Mapping[tuple[str, RowKey], Sequence[Finding]]
    """Live findings of several rows are found by each of them."""

    @cached_property
    def exact(self) -> Mapping[tuple[str, RowKey, tuple[str, ...], str], Finding]:
        """By rule, row, fields and group; made when a violation is not that of an open finding of its row."""
        return {(one.rule_id, one.row, one.fields, one.group): one for one in self.by_weight}

    @classmethod
    def of(cls, known: Iterable[Finding]) -> _Places:
        """Of two findings at one place the live one is meant, then the one that was seen last."""
        # What is closed has its date, and to look at that takes less time than to look at the state.
        by_weight = sorted(known, key=lambda one: (one.resolved_at is None, one.last_seen_at, one.id))
        of_group: dict[tuple[str, RowKey], list[Finding]] = {}
        for one in by_weight:
            for row in one.rows if one.others and one.resolved_at is None else ():
                of_group.setdefault((one.rule_id, row), []).append(one)
        of_row = {(one.rule_id, one.row): one for one in by_weight if one.resolved_at is None}
        return cls(by_weight, of_row, of_group)

    def finding(self, violation: Violation, seen: Container[str]) -> Finding | None:
        """What is known of a violation; a finding of other fields is that of one violation."""
        if not violation.row.record:
            return self.exact.get((violation.rule_id, violation.row, violation.fields, violation.group))
        of_row = self.of_row.get((violation.rule_id, violation.row))
        if not violation.others and of_row is not None and of_row.fields == violation.fields:
            return of_row
        if violation.others and (found := self._finding_of_group(violation, seen)):
            return found
        exact = self.exact.get((violation.rule_id, violation.row, violation.fields, violation.group))
        if violation.others and exact is not None and exact.id in seen:
            return None  # it follows another group, to which most of its rows went
        if exact is not None and exact.state.live:
            return exact
        return of_row if of_row is not None and of_row.id not in seen else exact

    def _finding_of_group(self, violation: Violation, seen: Container[str]) -> Finding | None:
        """The live finding that follows a group: rows that join it or leave it change nothing of that.

        It is the one whose own row is in the group, then the one that has most rows of it, two at least, then the
        oldest; so of two groups that become one the other finding closes.
        """
        group = frozenset(violation.rows)
        near = {one.id: one for row in violation.rows for one in self.of_group.get((violation.rule_id, row), ())}
        fitting = [
            (one.row in group, common, -one.opened_at.timestamp(), one.id)
            for one in near.values()
            if ((common := len(group.intersection(one.rows))) > 1 or one.row in group) and one.id not in seen
        ]
        return near[max(fitting)[-1]] if fitting else None


def _part(before: Finding | None, after: Finding) -> str:
    """The part of a delta that a finding which was seen belongs to."""
    if before is None:
        return "opened"
    if after.state.quiet:
        return "quiet"
    return "persisting" if before.state is FindingState.OPEN else "reopened"


def _violations_of(outcome: Outcome) -> Sequence[Violation]:
    return outcome.violations if outcome.status is Status.FAILED else ()


def _outcomes_by_rule(outcomes: Iterable[Outcome], rules: Mapping[str, Rule]) -> dict[str, Outcome]:
    by_rule: dict[str, Outcome] = {}
    for outcome in outcomes:
        if outcome.rule_id in by_rule:
            raise ValueError(f"two outcomes for rule {outcome.rule_id}")
        if outcome.rule_id not in rules:
            raise ValueError(f"an outcome for rule {outcome.rule_id}, which is not among the rules")
        if any(violation.rule_id != outcome.rule_id for violation in outcome.violations):
            raise ValueError(f"the outcome of rule {outcome.rule_id} holds violations of another rule")
        by_rule[outcome.rule_id] = outcome
    return by_rule


def _findings_by_id(study: str, known: Iterable[Finding]) -> dict[str, Finding]:
    by_id: dict[str, Finding] = {}
    for finding in known:
        if finding.study != study:
            raise ValueError(f"finding {finding.id} belongs to study {finding.study}, not {study}")
        if finding.id in by_id:
            raise ValueError(f"finding {finding.id} is known twice")
        by_id[finding.id] = finding
    return by_id
