"""Makes a study of any size and shape: its folder with rules, its project, its records, and a day's edits.

The fields are of the six commonest kinds in turn. Each field has a rule of its own, what is left are rules of two
fields of an instrument, and crossing rules compare numbers of two instruments, every second one with the first event.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations, cycle, islice, repeat
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.pull_project import KINDS, Clock, fields, write_project
from redcap_sync.project.state import StoredProject
from redcap_sync.project.values import ValuePlace
from redcap_sync.sandbox.project_sources import project_from_folder

NUMBER, INTEGER, CHOICE, DATE, TEXT, YES_NO = range(len(KINDS))
"""A field's kind is its number modulo the number of kinds."""
WRONG = ("5.5", "5000", "2", "1899-01-01", "", "1")
"""A value that breaks the rule of its kind; the dictionary allows it, or the rule could never flag a row."""
RULES = (
    "[{0}] < 20 or [{0}] > 140",
    "[{0}] > 999",
    "[{0}] <> '0' and [{0}] <> '1'",
    "[{0}] < '2000-01-01' or [{0}] > '2030-01-01'",
    "[{0}] = ''",
    "[{0}] <> '0'",
)
PAIRED = {NUMBER: "abs([{0}] - [{1}]) > 115", DATE: "abs(datediff([{0}], [{1}], 'd')) > 9000"}
EDITED, WRONG_EDITS = 1, 0.05
"""The number of the field that is edited between two nights, and the share of its new values that are wrong."""


@dataclass(frozen=True)
class Shape:
    """What a study is made of."""

    patients: int
    events: int = 1
    instruments: int = 10
    fields: int = 300
    rules: int = 400
    crossing: int = 0
    wrong: float = 0.0005
    """The share of cells whose value breaks the rule of its field."""


SHAPES = {
    "a": Shape(0),
    "b": Shape(0, events=8, instruments=12, rules=340, crossing=24),
    "ledger": Shape(0, instruments=1, fields=11, rules=10, wrong=1.0),
}
"""By name; `ledger` has a finding in each field of each patient."""


def shape_of(name: str, patients: int) -> Shape:
    """A named shape with so many patients."""
    return replace(SHAPES[name], patients=patients)


@dataclass(frozen=True)
class Field:
    """A field of the study."""

    number: int
    name: str
    instrument: str

    @property
    def kind(self) -> int:
        """Its place in KINDS."""
        return self.number % len(KINDS)


def fields_of(shape: Shape) -> list[Field]:
    """Every field but the record's id."""
    rows = fields(shape.fields, shape.instruments)
    return [Field(number, row["field_name"], row["form_name"]) for number, row in enumerate(rows)][1:]


def write_study(folder: Path, study_id: str, shape: Shape) -> None:
    """Write study.toml and the rules, nothing else: no rule is made from the dictionary, and no report."""
    (folder / "rules").mkdir(parents=True)
    (folder / "study.toml").write_text(STUDY.replace("STUDY_ID", study_id), encoding="utf-8")
    text = "\n".join(islice(rules_of(shape), shape.rules))
    (folder / "rules" / "rules.toml").write_text(text, encoding="utf-8")


STUDY = """
[study]
id = "STUDY_ID"
synthetic = true
record_id_in_messages = true
[study.title]
zh = "合成数据"
en = "Synthetic"
[[people]]
role = "data_manager"
address = "data.manager@example.org"
language = "zh"
owns = ["data_manager"]
[[people]]
role = "coordinator"
address = "coordinator@example.org"
language = "en"
owns = ["coordinator"]
[report]
weekdays = []
[dictionary_rules]
range = false
choice = false
required = false
absent = false
"""


def rules_of(shape: Shape) -> Iterator[str]:
    """The rules as TOML: those that cross instruments, one for each field, then pairs of fields of an instrument."""
    every = fields_of(shape)
    instruments = [[one for one in every if one.instrument == f"form_{n}"] for n in range(shape.instruments)]
    made = chain(crossing(shape, instruments), single(every), zip_by_turns([list(pairs(one)) for one in instruments]))
    for number, (instrument, names, needs, logic) in enumerate(made, start=1):
        yield RULE.format(number=number, instrument=instrument, names=names, needs=needs, logic=logic)


RULE = """
[[rule]]
id = "R{number:03d}"
instrument = "{instrument}"
title = {{ zh = "第{number}条", en = "Rule {number}" }}
discrepancy = "{logic}"
severity = "minor"
fields = {names}
{needs}advice = {{ zh = "请核对", en = "Check the value." }}
source = "Made up"
"""
Written = tuple[str, list[str], str, str]
"""Instrument, fields, a line with what it needs, and logic."""


def single(every: Sequence[Field]) -> Iterator[Written]:
    """A rule for each field."""
    for one in every:
        needs = "needs = []\n" if one.kind == TEXT else ""
        yield one.instrument, [one.name], needs, RULES[one.kind].format(one.name)


def pairs(of_instrument: Sequence[Field]) -> Iterator[Written]:
    """Every two numbers of an instrument, then every two dates."""
    for kind, logic in PAIRED.items():
        alike = [one for one in of_instrument if one.kind == kind]
        for first, second in combinations(alike, 2):
            yield first.instrument, [first.name, second.name], "", logic.format(first.name, second.name)


def crossing(shape: Shape, instruments: Sequence[Sequence[Field]]) -> Iterator[Written]:
    """A number of each instrument in turn with one of the next instrument."""
    numbers = [cycle([one for one in fields if one.kind == NUMBER]) for fields in instruments]
    for n in range(shape.crossing):
        here, there = next(numbers[n % shape.instruments]), next(numbers[(n + 1) % shape.instruments])
        of_first_event = shape.events > 1 and n % 2
        reference = f"{event_name(0)}][{there.name}" if of_first_event else there.name
        yield here.instrument, [here.name], "", PAIRED[NUMBER].format(here.name, reference)


def zip_by_turns(parts: Sequence[Sequence[Written]]) -> Iterator[Written]:
    """The first of each part, then the second of each, and so on."""
    for n in range(max(map(len, parts))):
        yield from (part[n] for part in parts if n < len(part))


def event_name(number: int) -> str:
    """The unique name of an event."""
    return f"event_{number + 1}_arm_1"


def project_of(folder: Path, shape: Shape, clock: Clock, seed: int = 7) -> StoredProject:
    """Make the project with its records; values are put in directly, because their import is not measured."""
    write_project(
        folder,
        fields(shape.fields, shape.instruments),
        shape.instruments,
        {"is_longitudinal": shape.events > 1},
    )
    if shape.events > 1:
        write_events(folder, shape)
    project = project_from_folder(folder, clock=clock)
    every, rng = fields_of(shape), np.random.default_rng(seed)
    statuses = [f"form_{n}_complete" for n in range(shape.instruments)]
    names = ["record_id", *(one.name for one in every), *statuses]
    for event in project.structure.events:
        columns = [values(one.kind, shape, rng) for one in every]
        rows = zip(*columns, *(repeat("2") for _ in statuses), strict=False)
        for number, row in enumerate(rows, start=1):
            record = str(number)
            project.values.write(record, ValuePlace(event.event_id), dict(zip(names, (record, *row), strict=True)))
    clock.pass_days(1)
    return project


def write_events(folder: Path, shape: Shape) -> None:
    """Every instrument is filled in at every event."""
    names = [event_name(n) for n in range(shape.events)]
    events = "".join(f"Event {n},1,{name}\n" for n, name in enumerate(names, start=1))
    mapping = "".join(f"1,{name},form_{n}\n" for name in names for n in range(shape.instruments))
    (folder / "events.csv").write_text("event_name,arm_num,unique_event_name\n" + events, encoding="utf-8")
    (folder / "mapping.csv").write_text("arm_num,unique_event_name,form\n" + mapping, encoding="utf-8")


def values(kind: int, shape: Shape, rng: np.random.Generator) -> list[Any]:
    """A column of made-up texts; each distinct text exists once."""
    pool = np.array([*right_values(kind), WRONG[kind]], dtype=object)
    last = len(pool) - 1
    drawn = rng.integers(0, last, shape.patients)
    drawn[rng.random(shape.patients) < shape.wrong] = last
    taken: list[Any] = pool[drawn].tolist()
    return taken


def right_values(kind: int) -> list[str]:
    """What a field of a kind may hold."""
    if kind == NUMBER:
        return [f"{tenths / 10:.1f}" for tenths in range(250, 1350)]
    if kind == INTEGER:
        return [str(number) for number in range(1000)]
    if kind == DATE:
        return [f"20{y}-{m:02d}-{d:02d}" for y in range(10, 25) for m in range(1, 13) for d in range(1, 29)]
    if kind == TEXT:
        return ["stent", "left iliac vein", "no complaint", "see note"]
    return ["0", "1"] if kind == CHOICE else ["0"]


def edit(project: StoredProject, clock: Clock, shape: Shape, count: int, rng: np.random.Generator) -> None:
    """Edit one value of so many records in one instrument, with the lines that a server writes into its log."""
    clock.pass_days(0.5)
    event = project.structure.events[0].event_id
    name = fields_of(shape)[EDITED - 1].name
    for number in rng.choice(shape.patients, count, replace=False) + 1:
        text = WRONG[EDITED] if rng.random() < WRONG_EDITS else str(rng.integers(1000))
        project.values.write(str(number), ValuePlace(event), {name: text})
        project.log("nurse", "record_edit", f"Update record {number}", details=f"{name} = '{text}'", record=str(number))
    clock.pass_days(0.5)
