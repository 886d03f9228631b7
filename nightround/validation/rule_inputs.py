"""What the outcome of a rule follows from: where all of it is what it was, so is the outcome.

That is the rule as it is judged, each part of the snapshot that it reads (instruments, structure and, where it asks
what rows there are, the keys of all rows and the groups), the code that judges, and the day or second that it names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

import redcap_sync
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.validation.compiled_check import BOUNDS
from nightround.validation.lookup import ROW_COUNT, VISIT_EXISTS
from nightround.validation.snapshot_rows import SnapshotRows
from nightround.validation.suite import CompiledRule
from redcap_sync.logic import Reference, from_json
from redcap_sync.logic.date_functions import FUNCTIONS as DATE_FUNCTIONS
from redcap_sync.logic.syntax import Call, Expression, Number, Text
from redcap_sync.pulling.pulled import GROUPS, ROWS, STRUCTURE

MOMENTS = ("today", "now")
"""Texts that stand for the day and for the second of the night, in logic and in cells that a date function reads."""
LIBRARIES = ("numpy", "pandas", "pyarrow")
OF_JUDGING = ("*.py", "logic/*.py", "rows/*.py")
"""The modules of `redcap_sync` that have a part in the result of a rule."""


@dataclass(frozen=True)
class Inputs:
    """What an outcome was worked out from."""

    rule: str
    """Hash of what of the rule is judged."""
    code: str
    """Hash of the code that judged it."""
    parts: Mapping[str, str]
    """Hash of each part of the snapshot that was read, '' for one that the snapshot has not."""
    moment: str = ""
    """The day or the second that the rule named, '' for neither."""

    def unchanged(self, rule: Rule, snapshot: Snapshot, now: datetime) -> bool:
        """Whether the outcome of a rule, judged on a snapshot now, follows from the same."""
        return (
            self.hold_without_data(now)
            and self.rule == rule_hash(rule)
            and bool(snapshot.parts)
            and all(snapshot.parts.get(name, "") == digest for name, digest in self.parts.items())
        )

    def hold_without_data(self, now: datetime) -> bool:
        """Whether moment and code are the same, so that the outcome may follow from the same."""
        return self.moment in ("", _day(now), _second(now)) and self.code == code_hash()


def inputs_of(compiled: CompiledRule, rows: SnapshotRows, frame: pd.DataFrame, now: datetime) -> Inputs | None:
    """What a rule that is judged on a frame follows from; None where the snapshot does not name its parts."""
    parts = rows.snapshot.parts
    if not parts:
        return None
    read = sorted({STRUCTURE, *compiled.instruments, *_parts_read(compiled, rows)})
    moment = {"day": _day(now), "second": _second(now), "": ""}[_named_moment(compiled, frame)]
    return Inputs(rule_hash(compiled.rule), code_hash(), {name: parts.get(name, "") for name in read}, moment)


def rule_hash(rule: Rule) -> str:
    """Hash of what of a rule is judged, and of what its outcome and the verdict on it name."""
    check = [rule.check.kind, rule.check.columns, rule.check.settings] if rule.check else None
    judged = [rule.id, rule.instrument, rule.discrepancy, rule.applies, rule.needs, rule.events, rule.fields, check]
    return _sha256(json.dumps([*judged, rule.severity], sort_keys=True, ensure_ascii=False).encode())


@cache
def code_hash() -> str:
    """Hash of the code that judges: an outcome of a version before is worked out again, released or not."""
    folder = Path(redcap_sync.__file__).parent
    modules = [*Path(__file__).parent.glob("*.py"), *(path for names in OF_JUDGING for path in folder.glob(names))]
    digest = hashlib.sha256(" ".join(f"{name} {version(name)}" for name in LIBRARIES).encode())
    for path in sorted(modules):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _day(now: datetime) -> str:
    return f"{now:%Y-%m-%d}"


def _second(now: datetime) -> str:
    return f"{now:%Y-%m-%d %H:%M:%S}"


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _parts_read(compiled: CompiledRule, rows: SnapshotRows) -> Iterator[str]:
    """The parts of a snapshot that the references of a rule are read from."""
    for reference in compiled.references:
        if reference.field == ROW_COUNT:
            yield from (ROWS, reference.code)
        elif reference.is_smart or reference.field == VISIT_EXISTS:
            yield from (ROWS, GROUPS)
        elif reference.field != rows.snapshot.dictionary.record_id_field:
            yield rows.table_of_column[reference.export_column].instrument


def _named_moment(compiled: CompiledRule, frame: pd.DataFrame) -> str:
    """What a rule depends on of the moment it is judged at: its second, its day, or ''."""
    named = {word for tree in _trees(compiled) for word in _moments_in(tree, frame)} | set(_bounds(compiled))
    return "second" if "now" in named else "day" if "today" in named else ""


def _trees(compiled: CompiledRule) -> Iterator[Expression]:
    trees = compiled.trees
    yield from trees.asked
    if trees.check is not None and "formula" in trees.check["settings"]:
        yield from_json(trees.check["settings"]["formula"])


def _bounds(compiled: CompiledRule) -> Iterator[str]:
    check: Mapping[str, Any] = compiled.trees.check or {"settings": {}}
    for name in BOUNDS:
        bound = check["settings"].get(name) or {}
        if "day" in bound:
            yield bound["day"]


def _moments_in(tree: Expression, frame: pd.DataFrame) -> Iterator[str]:
    """Which of `today` and `now` an expression may depend on, in its text or in the cells it reads."""
    match tree:
        case Text(value):
            yield from (word for word in MOMENTS if word == value.lower())
        case Call(name, arguments) if name in DATE_FUNCTIONS:
            for argument in arguments:
                yield from _moments_of_argument(argument, frame)
    for child in tree.children:
        yield from _moments_in(child, frame)


def _moments_of_argument(argument: Expression, frame: pd.DataFrame) -> Iterable[str]:
    """The words that an argument of a date function may be: what a function makes of texts could be any."""
    match argument:
        case Reference():
            cells = frame[argument.column]
            return () if cells.dtype.kind in "fM" else [word for word in MOMENTS if cells.eq(word).any()]
        case Text() | Number():
            return ()
        case Call(name) if name in DATE_FUNCTIONS:
            return ()
    return ("now",)
