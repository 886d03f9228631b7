"""A drill from end to end: what can be seen is stated, errors are planted and judged, and each is looked for."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nightround.model.errors import UsageWrong
from nightround.model.rule import Rule
from nightround.simulation.drill.attribution import Alarm, LookedFor, alarms_of, attributed
from nightround.simulation.drill.clean_data import CleanData
from nightround.simulation.drill.detectable import Detectable, detectable_sizes
from nightround.simulation.drill.error_copies import copies_of
from nightround.simulation.drill.error_kinds import ErrorKind
from nightround.simulation.drill.planting import Planter
from nightround.simulation.drill.what_rules_read import ACROSS, RuleReads, limiting
from nightround.statistics.describe import clopper_pearson
from nightround.validation.run import validate
from redcap_sync.dictionary import Dictionary
from redcap_sync.messages import Message


@dataclass(frozen=True)
class Share:
    """How many of some errors were found, with the exact 95% interval of Clopper and Pearson."""

    planted: int
    found: int

    @property
    def interval(self) -> tuple[float, float] | None:
        """The ends of the interval as fractions of 1; None where nothing was planted."""
        if not self.planted:
            return None
        estimate = clopper_pearson(self.found, self.planted)
        return estimate.low, estimate.high

    def document(self) -> dict[str, Any]:
        """The share as JSON; sensitivity and interval are None where nothing was planted."""
        ends = self.interval
        return {
            "planted": self.planted,
            "found": self.found,
            "sensitivity": self.found / self.planted if self.planted else None,
            "interval": list(ends) if ends else None,
        }


def share_of(errors: Iterable[LookedFor]) -> Share:
    """The share of some errors that was found."""
    found = [one.found for one in errors]
    return Share(len(found), sum(found))


@dataclass(frozen=True)
class NeverFound:
    """Errors of a kind on a field, none of which was found, and why; with `field` '' the whole kind has no place."""

    kind: str
    field: str
    planted: int
    reason: Message


@dataclass(frozen=True)
class Drill:
    """What a drill came to."""

    study: str
    seed: int
    clean: CleanData
    kinds: tuple[ErrorKind, ...]
    reads: RuleReads
    detectable: tuple[Detectable, ...]
    errors: tuple[LookedFor, ...]
    before: tuple[Alarm, ...]
    """The findings that the data had before anything was planted."""
    strays: tuple[Alarm, ...]
    """Findings that came with the errors and are about none of them."""

    @property
    def dictionary(self) -> Dictionary:
        """The structure of the study."""
        return self.clean.flat.dictionary

    @property
    def false_alarms(self) -> tuple[Alarm, ...]:
        """The strays; of made-up data also what they had before, which in a study's own data may be true."""
        return (*(self.before if self.clean.is_made_up else ()), *self.strays)

    @cached_property
    def whole(self) -> Share:
        """The share of all errors that was found."""
        return share_of(self.errors)

    @cached_property
    def by_kind(self) -> Mapping[str, Share]:
        """The share of each kind that was found, in the order of the kinds."""
        return {kind.id: share_of(one for one in self.errors if one.error.kind == kind.id) for kind in self.kinds}

    @cached_property
    def by_field(self) -> Mapping[str, Share]:
        """The share that was found of the errors on each single field, in the order of the dictionary."""
        found = _grouped((name, one) for one in self.errors if (name := _single_field(one)))
        return {one.name: share_of(found[one.name]) for one in self.dictionary.fields if one.name in found}

    @cached_property
    def by_rule(self) -> Mapping[str, tuple[Share, int]]:
        """For each rule the share it found of the errors on fields that it reads, and its false alarms."""
        alarms = Counter(alarm.rule_id for alarm in self.false_alarms)
        touching: Counter[str] = Counter()
        finding: Counter[str] = Counter()
        for one in self.errors:
            touched = {rule.id for name in one.error.fields for rule in self.reads.reading(name)}
            touching.update(touched | set(one.rules))
            finding.update(one.rules)
        return {rule.id: (Share(touching[rule.id], finding[rule.id]), alarms[rule.id]) for rule in self.reads.rules}

    @cached_property
    def beyond(self) -> Share:
        """Of the errors that moved a number or a date at least as far as was stated to be seen, those found."""
        return share_of(one for one in self.errors if self._is_beyond(one))

    def _is_beyond(self, one: LookedFor) -> bool:
        known = self._limits.get(_single_field(one))
        return known is not None and one.error.size is not None and known.is_beyond(one.error.size)

    @cached_property
    def _limits(self) -> Mapping[str, Detectable]:
        return {one.field: one for one in self.detectable}

    @cached_property
    def unseen(self) -> tuple[NeverFound, ...]:
        """The kinds that have no place in the study, and the kinds and fields of which no error was found."""
        return (*self._without_place(), *self._never_found())

    def _without_place(self) -> Iterator[NeverFound]:
        for kind, share in self.by_kind.items():
            if not share.planted:
                code = "drill.reason.few" if len(self.errors) < len(self.kinds) else "drill.reason.no_place"
                yield NeverFound(kind, "", 0, Message.of(code))

    def _never_found(self) -> Iterator[NeverFound]:
        found = _grouped(((one.error.kind, _place(one)), one) for one in self.errors)
        for (kind, name), errors in sorted(found.items()):
            if not any(one.found for one in errors):
                yield NeverFound(kind, name, len(errors), self._reason(errors))

    def _reason(self, errors: Sequence[LookedFor]) -> Message:
        """Why no rule found any of some errors on one field, instrument or visit."""
        names = {name for one in errors for name in one.error.fields}
        rules = {rule.id: rule for name in names for rule in self.reads.reading(name)}
        if all(one.error.pair for one in errors) and not any(rule.kind in ACROSS for rule in self.reads.rules):
            return Message.of("drill.reason.not_compared")
        if not rules:
            return Message.of("drill.reason.not_read")
        showing = {name: rule for name, rule in rules.items() if names & set(rule.fields)}
        asking = limiting(tuple(rules.values()))
        if not asking:
            return Message.of("drill.reason.only_shown", rules=_listed((showing or rules).values()))
        limit = self._limits.get(_single_field(errors[0]))
        if limit is not None and all(one.error.size is not None for one in errors):
            return Message.of(
                "drill.reason.too_small", rules=_listed(asking), up=_size(limit.up), down=_size(limit.down)
            )
        return Message.of("drill.reason.plausible", rules=_listed(asking))

    def document(self, say: Callable[[Message], str]) -> dict[str, Any]:
        """The drill as JSON: no value and no record is in it."""
        return {
            "study": self.study,
            "data": self.clean.source.value,
            "records": len(self.clean.flat.records),
            "seed": self.seed,
            "judged_at": self.clean.now.isoformat(),
            **self.whole.document(),
            "beyond_detectable": self.beyond.document(),
            "kinds": [
                {"kind": kind.id, "title": kind.title.model_dump(), **self.by_kind[kind.id].document()}
                for kind in self.kinds
            ],
            "rules": [
                {"rule_id": name, **share.document(), "false_alarms": alarms}
                for name, (share, alarms) in self.by_rule.items()
            ],
            "fields": [{"field": name, **share.document()} for name, share in self.by_field.items()],
            "detectable": [
                {"field": one.field, "up": one.up, "down": one.down, "step": one.step, "unit": one.unit}
                for one in self.detectable
            ],
            "findings_before": len(self.before),
            "false_alarms": len(self.false_alarms),
            "unseen": [
                {"kind": one.kind, "field": one.field, "planted": one.planted, "reason": say(one.reason)}
                for one in self.unseen
            ],
        }


def drill(
    study: str, clean: CleanData, kinds: Sequence[ErrorKind], *, errors: int, seed: int, note: Callable[[Message], None]
) -> Drill:
    """Plant errors in copies of clean data, judge each copy as a night does, and look for every error.

    The same data, kinds, number and seed give the same drill. `note` is called with how far it is.
    Raises UsageWrong where the data have no record, or no kind has a place in them.
    """
    if not clean.flat.rows:
        raise UsageWrong("drill.no_data", study=study)
    reads = RuleReads(clean.rules, clean.flat.dictionary)
    limits = detectable_sizes(clean.flat, reads, clean.now, random.Random(seed))
    note(Message.of("drill.note.stated", count=len(limits)))
    before = _alarms(clean, reads, clean.flat.snapshot)
    planter = Planter(clean.flat, reads, clean.now, random.Random(seed))
    judged: list[LookedFor] = []
    strays: list[Alarm] = []
    for copy, planted in copies_of(clean.flat, planter.errors(kinds, errors), clean.now):
        found = attributed(planted, _alarms(clean, reads, copy.snapshot) - before, reads)
        judged += found.errors
        strays += found.strays
        note(Message.of("drill.note.judged", done=len(judged), all=errors))
    if not judged:
        raise UsageWrong("drill.no_place", study=study)
    return Drill(study, seed, clean, tuple(kinds), reads, limits, tuple(judged), _sorted(before), tuple(strays))


def _alarms(clean: CleanData, reads: RuleReads, snapshot: Callable[..., Any]) -> frozenset[Alarm]:
    return alarms_of(validate(snapshot(clean.now), clean.rules, now=clean.now).violations, reads)


def _sorted(alarms: Iterable[Alarm]) -> tuple[Alarm, ...]:
    return tuple(sorted(alarms, key=lambda one: (one.rule_id, one.row)))


def _single_field(one: LookedFor) -> str:
    """The field of an error that changes one; '' of any other."""
    error = one.error
    return error.fields[0] if len(error.fields) == 1 and error.change.cells and not error.whole_instrument else ""


def _place(one: LookedFor) -> str:
    """What an error is listed under: its field, else its instrument, else its event."""
    error = one.error
    if error.change.cells and not error.whole_instrument:
        return error.fields[0]
    return error.instrument or error.event


def _listed(rules: Iterable[Rule]) -> str:
    names = sorted(rule.id for rule in rules)
    return ", ".join(names[:MOST_NAMED]) + (" ..." if len(names) > MOST_NAMED else "")


MOST_NAMED = 6
"""So many rules are named in a reason."""


def _size(size: float | None) -> str:
    return "-" if size is None else f"{size:g}"


def _grouped(pairs: Iterable[tuple[Any, LookedFor]]) -> dict[Any, list[LookedFor]]:
    found: dict[Any, list[LookedFor]] = {}
    for name, one in pairs:
        found.setdefault(name, []).append(one)
    return found
