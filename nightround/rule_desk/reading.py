"""Lint: whether a rule reads, and looks at, what the project has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from nightround.model.rule import RuleKind
from nightround.model.snapshot import Snapshot
from nightround.rule_desk.linted import Linted
from nightround.rule_desk.remarks import Remark, RemarkLevel, fix_by, nearest
from nightround.validation.batch import make_batch
from nightround.validation.snapshot_rows import AnchorRows
from nightround.validation.suite import Suite, compile_suites
from redcap_sync.dictionary import Dictionary, Field
from redcap_sync.errors import LogicError
from redcap_sync.logic import Reference, resolve
from redcap_sync.messages import Message
from redcap_sync.rows.tables import tables_from_records

CODEBOOK = fix_by("codebook")
LONG_AGO = datetime(2000, 1, 1)  # noqa: DTZ001 - a project without a record has no time


def lint_place(linted: Linted) -> list[Remark]:
    """Instrument and events of a rule are the project's."""
    return list(_place(linted))


def _place(linted: Linted) -> Iterator[Remark]:
    rule, dictionary = linted.rule, linted.dictionary
    instruments = [one.name for one in dictionary.instruments]
    if rule.instrument not in instruments:
        yield linted.remark(
            RemarkLevel.ERROR,
            "no_instrument",
            name=rule.instrument,
            fix=nearest(rule.instrument, instruments, otherwise=_one_of(instruments)),
        )
        return
    for event in rule.events:
        if event not in dictionary.event_names:
            yield linted.remark(
                RemarkLevel.ERROR,
                "no_event",
                name=event,
                fix=nearest(event, dictionary.event_names, otherwise=_one_of(dictionary.event_names)),
            )
        elif event not in dictionary.events_of(rule.instrument):
            yield linted.remark(
                RemarkLevel.ERROR,
                "not_designated",
                instrument=rule.instrument,
                event=event,
                fix=_one_of(dictionary.events_of(rule.instrument)),
            )


def _one_of(names: Iterable[str]) -> Message:
    return fix_by("one_of", names=", ".join(names))


def lint_references(linted: Linted) -> list[Remark]:
    """Every reference leads to a field, an option and an event of the project."""
    return [remark for reference in linted.columns for remark in _reference(linted, reference)]


def _reference(linted: Linted, reference: Reference) -> Iterator[Remark]:
    if reference.is_smart:
        return
    field = linted.dictionary.by_name.get(reference.field)
    problem = _of_option(reference, field, linted.dictionary)
    if problem is not None:
        code, facts = problem
        yield linted.remark(RemarkLevel.ERROR, code, **facts)
        return
    try:
        events = [event for event in linted.events if event in linted.dictionary.event_names]
        found = {event: resolve(reference, linted.dictionary, event)[0] for event in events or [""]}
    except LogicError as error:
        yield linted.remark(RemarkLevel.ERROR, "unreadable", reason=error.part("what"), fix=error.part("why"))
        return
    if not events or linted.of_project:  # REDCap looks at every row that can contain any of the fields
        return
    yield from _designation(linted, reference, found)
    yield from _repetition(linted, reference, set(found.values()))


def _of_option(reference: Reference, field: Field | None, dictionary: Dictionary) -> tuple[str, dict[str, Any]] | None:
    if field is None:
        return None
    name = field.name
    if field.type == "descriptive":
        return "descriptive", {"name": name, "fix": CODEBOOK}
    if field.type != "checkbox":
        return ("no_checkbox", {"name": name}) if reference.code else None
    codes = [option.code for option in dictionary.options_of(field)]
    if not reference.code:
        return "without_option", {"name": name, "code": codes[0]}
    if reference.export_column not in dictionary.columns_of_field(field):
        return "no_option", {"name": name, "code": reference.code, "codes": ", ".join(codes)}
    return None


def _designation(linted: Linted, reference: Reference, found: dict[str, str]) -> Iterator[Remark]:
    """A field is blank at events its instrument is not designated to."""
    if not linted.dictionary.longitudinal:
        return
    blank = [event for event, home in found.items() if not home]
    if blank:
        everywhere = len(blank) == len(found)
        yield linted.remark(
            RemarkLevel.ERROR if everywhere else RemarkLevel.WARNING,
            "blank_everywhere" if everywhere else "blank_at",
            column=reference.column,
            events=", ".join(blank),
        )


def _repetition(linted: Linted, reference: Reference, events: set[str]) -> Iterator[Remark]:
    """A field that repeats elsewhere is blank unless an instance is named."""
    field = linted.dictionary.by_name.get(reference.field)
    if field is None or reference.instance or field.name == linted.dictionary.record_id_field:
        return
    home = field.instrument
    own = home == linted.rule.instrument and reference.event in ("", "event-name")
    if not own and events and all(linted.dictionary.repeats(event, home) for event in events):
        yield linted.remark(
            RemarkLevel.ERROR,
            "repeats",
            column=reference.column,
            instrument=home,
            field=reference.field,
        )


def lint_shown(linted: Linted) -> list[Remark]:
    """What a coordinator is shown exists, and the link leads into the rule's own instrument."""
    return list(_shown(linted))


def _shown(linted: Linted) -> Iterator[Remark]:
    rule, dictionary = linted.rule, linted.dictionary
    statuses = {f"{one.name}_complete" for one in dictionary.instruments}
    for name in rule.fields:
        field = dictionary.by_name.get(name)
        if field is None and name not in statuses:
            fix = nearest(name, dictionary.by_name, otherwise=CODEBOOK)
            yield linted.remark(RemarkLevel.ERROR, "shows_unknown", name=name, fix=fix)
        elif field is not None and field.identifier and not rule.identifiers_by_name:
            yield linted.remark(RemarkLevel.ERROR, "shows_identifier", name=name)
    first = dictionary.by_name.get(next(iter(rule.fields), ""))
    if first is None and not rule.fields and rule.kind is not RuleKind.COUNT:
        yield linted.remark(RemarkLevel.WARNING, "shows_nothing")
    elif first is not None and first.instrument != rule.instrument:
        yield linted.remark(
            RemarkLevel.WARNING,
            "shows_elsewhere",
            name=first.name,
            home=first.instrument,
            instrument=rule.instrument,
        )


def lint_unread(linted: Linted) -> list[Remark]:
    """What is needed or shown is what the logic reads."""
    return list(_unread(linted))


def _unread(linted: Linted) -> Iterator[Remark]:
    columns = {reference.column for reference in linted.read}
    names = {reference.field for reference in linted.columns}
    for column in linted.rule.needs:
        if column not in columns:
            yield linted.remark(RemarkLevel.NOTE, "needs_unread", column=column)
    for name in linted.rule.fields:
        if name in linted.dictionary.by_name and name not in names:
            yield linted.remark(RemarkLevel.NOTE, "shows_unread", name=name)


def without_records(dictionary: Dictionary) -> Snapshot:
    """A snapshot of a project in which nobody entered anything yet."""
    return Snapshot("", "", LONG_AGO, "", dictionary, tables_from_records(dictionary, []))


def lint_dry_run(linted: Linted, empty: Snapshot) -> list[Remark]:
    """The rule can be judged: the way of a night, on a project without a record."""
    suites, refused = compile_suites([linted.rule], linted.dictionary)
    reasons = [*refused.values(), *(reason for suite in suites for reason in _unreadable(suite, empty))]
    return [linted.remark(RemarkLevel.ERROR, "not_evaluated", reason=reason) for reason in dict.fromkeys(reasons)]


def _unreadable(suite: Suite, empty: Snapshot) -> Iterable[Message]:
    wanted = dict.fromkeys(reference for compiled in suite.rules for reference in compiled.references)
    return make_batch(AnchorRows.of(empty, suite.instruments), suite.name, wanted, LONG_AGO).unreadable.values()
