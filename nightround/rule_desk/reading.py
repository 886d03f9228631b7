"""Lint: whether a rule reads, and looks at, what the project has."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from nightround.model.snapshot import Snapshot
from nightround.rule_desk.linted import Linted
from nightround.rule_desk.remarks import Remark, RemarkLevel, nearest
from nightround.validation.batch import make_batch
from nightround.validation.snapshot_rows import AnchorRows
from nightround.validation.suite import Suite, compile_suites
from redcap_sync.dictionary import Dictionary, Field
from redcap_sync.errors import LogicError
from redcap_sync.logic import Reference, resolve
from redcap_sync.messages import Message
from redcap_sync.rows.tables import tables_from_records

CODEBOOK = "compare it with the project's Codebook"
LONG_AGO = datetime(2000, 1, 1)  # noqa: DTZ001 - a project without a record has no time
BLANK = "a value that is always blank makes the rule silent where it should ask"


def lint_place(linted: Linted) -> list[Remark]:
    """Instrument and events of a rule are the project's."""
    return list(_place(linted))


def _place(linted: Linted) -> Iterator[Remark]:
    rule, dictionary = linted.rule, linted.dictionary
    instruments = [one.name for one in dictionary.instruments]
    if rule.instrument not in instruments:
        yield linted.remark(
            RemarkLevel.ERROR,
            f"The project has no instrument {rule.instrument!r}.",
            "a rule is judged in the rows of its instrument, so this one never is",
            nearest(rule.instrument, instruments, otherwise=f"one of: {', '.join(instruments)}"),
        )
        return
    for event in rule.events:
        if event not in dictionary.event_names:
            yield linted.remark(
                RemarkLevel.ERROR,
                f"The project has no event {event!r}.",
                "no row is in the rule's scope there",
                nearest(event, dictionary.event_names, otherwise=f"one of: {', '.join(dictionary.event_names)}"),
            )
        elif event not in dictionary.events_of(rule.instrument):
            yield linted.remark(
                RemarkLevel.ERROR,
                f"The instrument {rule.instrument} is not designated to {event}.",
                "no row is in the rule's scope there",
                f"one of: {', '.join(dictionary.events_of(rule.instrument))}",
            )


def lint_references(linted: Linted) -> list[Remark]:
    """Every reference leads to a field, an option and an event of the project."""
    return [remark for reference in linted.columns for remark in _reference(linted, reference)]


def _reference(linted: Linted, reference: Reference) -> Iterator[Remark]:
    if reference.is_smart:
        return
    field = linted.dictionary.by_name.get(reference.field)
    problem = _of_option(reference, field, linted.dictionary)
    if problem is not None:
        what, fix = problem
        yield linted.remark(RemarkLevel.ERROR, what, "the rule could not be evaluated", fix)
        return
    try:
        events = [event for event in linted.events if event in linted.dictionary.event_names]
        found = {event: resolve(reference, linted.dictionary, event)[0] for event in events or [""]}
    except LogicError as error:
        yield linted.remark(RemarkLevel.ERROR, error.what, "the rule could not be evaluated", error.why)
        return
    if not events or linted.of_project:  # REDCap looks at every row that can hold any of the fields
        return
    yield from _designation(linted, reference, found)
    yield from _repetition(linted, reference, set(found.values()))


def _of_option(reference: Reference, field: Field | None, dictionary: Dictionary) -> tuple[str, str] | None:
    if field is None:
        return None
    name = field.name
    if field.type == "descriptive":
        return f"{name} is a descriptive field and holds no value.", CODEBOOK
    if field.type != "checkbox":
        return (f"{name} is no checkbox and has no options.", f"write [{name}]") if reference.code else None
    codes = [option.code for option in dictionary.options_of(field)]
    if not reference.code:
        return f"The checkbox {name} is read without an option.", f"write [{name}({codes[0]})], ..."
    if reference.export_column not in dictionary.columns_of_field(field):
        return f"The checkbox {name} has no option {reference.code!r}.", f"its codes are: {', '.join(codes)}"
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
            f"{reference.column} is always blank when read from {', '.join(blank)}.",
            f"its instrument is not designated there; {BLANK}",
            "name the event the field is filled in at: [event][field]"
            if everywhere
            else "name the event in front of the field, or list the rule's events",
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
            f"{reference.column} is always blank: {home} repeats, and no instance is named.",
            BLANK,
            f"write [{reference.field}][last-instance], or [first-instance], or a number",
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
            yield linted.remark(
                RemarkLevel.ERROR, f"It shows the field {name!r}, which the project does not have.", BLANK, fix
            )
        elif field is not None and field.identifier:
            yield linted.remark(
                RemarkLevel.ERROR,
                f"It shows {name}, which names a patient.",
                "what a rule shows stands in lists and in links",
                "show the fields that are to be mended",
            )
    first = dictionary.by_name.get(next(iter(rule.fields), ""))
    if first is None and not rule.fields:
        yield linted.remark(
            RemarkLevel.WARNING, "It shows no field.", "the link leads nowhere", "name the field to be mended first"
        )
    elif first is not None and first.instrument != rule.instrument:
        yield linted.remark(
            RemarkLevel.WARNING,
            f"The first field it shows, {first.name}, is on {first.instrument}.",
            f"the link opens {rule.instrument}, where the violation is filed",
            f"name a field of {rule.instrument} first, or file the rule under {first.instrument}",
        )


def lint_unread(linted: Linted) -> list[Remark]:
    """What is needed or shown is what the logic reads."""
    return list(_unread(linted))


def _unread(linted: Linted) -> Iterator[Remark]:
    columns = {reference.column for reference in linted.read}
    names = {reference.field for reference in linted.columns}
    for column in linted.rule.needs:
        if column not in columns:
            yield linted.remark(
                RemarkLevel.NOTE,
                f"It needs {column}, which its logic does not read.",
                "a row where it is blank counts as not checked, though the logic could be judged",
                f"keep it if such rows are not the rule's business; else take {column} out of needs",
            )
    for name in linted.rule.fields:
        if name in linted.dictionary.by_name and name not in names:
            yield linted.remark(
                RemarkLevel.NOTE,
                f"It shows {name}, which its logic does not read.",
                "changing it does not answer the rule",
                f"keep it if it helps to find the mistake; else take {name} out of fields",
            )


def without_records(dictionary: Dictionary) -> Snapshot:
    """A snapshot of a project in which nobody entered anything yet."""
    return Snapshot("", "", LONG_AGO, "", dictionary, tables_from_records(dictionary, []))


def lint_dry_run(linted: Linted, empty: Snapshot) -> list[Remark]:
    """The rule can be judged: the way of a night, on a project without a record."""
    suites, refused = compile_suites([linted.rule], linted.dictionary)
    reasons = [*refused.values(), *(reason for suite in suites for reason in _unreadable(suite, empty))]
    return [
        linted.remark(
            RemarkLevel.ERROR,
            f"It could not be evaluated: {reason}.",
            "the rule would be silent every night",
            "change what the logic reads",
        )
        for reason in dict.fromkeys(reasons)
    ]


def _unreadable(suite: Suite, empty: Snapshot) -> Iterable[Message]:
    wanted = dict.fromkeys(reference for compiled in suite.rules for reference in compiled.references)
    return make_batch(AnchorRows.of(empty, suite.instruments), suite.name, wanted, LONG_AGO).unreadable.values()
