"""A twin from end to end: people, first values, what hangs together, rules, and what could not be avoided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa

from nightround.model.rule import Rule, RuleKind
from nightround.model.snapshot import Snapshot
from nightround.simulation.twin.constraints import kept_rules
from nightround.simulation.twin.draft import Draft
from nightround.simulation.twin.enrolment import People, empty_tables, enrolled
from nightround.simulation.twin.first_values import FieldValues
from nightround.simulation.twin.hang_together import fill, hanging_of
from nightround.simulation.twin.messy import make_messy
from nightround.simulation.twin.repairing import Repairer
from nightround.simulation.twin.score_rules import score_rules
from nightround.simulation.twin.source_project import TwinSource
from nightround.simulation.twin.unavoidable import Unavoidable, unavoidable_findings
from nightround.study.rules.of_dictionary import LETTERS, rules_of_letter
from redcap_sync.dictionary import Dictionary
from redcap_sync.rows.tables import Table, typed_frame
from redcap_sync.write_back.query_instrument import without_queries

RANGE_LETTER = next(letter for letter in LETTERS if letter.id == "D")


@dataclass(frozen=True)
class Wish:
    """What twin is wanted."""

    records: int
    seed: int
    now: datetime
    """What `today` and `now` stand for; naive, on the clock of REDCap's server."""
    messy: bool = False
    summary: Mapping[str, Mapping[str, Any]] | None = None


@dataclass(frozen=True)
class Twin:
    """A made-up study."""

    source: TwinSource
    people: People
    snapshot: Snapshot
    unavoidable: tuple[Unavoidable, ...]


def make_twin(source: TwinSource, wish: Wish) -> Twin:
    """Make the data of a twin. The same source, wish and version give the same twin."""
    rng = np.random.default_rng(wish.seed)
    dictionary = without_queries(source.project.dictionary)
    people = enrolled(source.project, wish.records, rng, messy=wish.messy, expected=_expected(source.rules))
    draft = Draft(
        dictionary, empty_tables(dictionary, people, rng), people.ids, np.arange(wish.records), people.groups, wish.now
    )
    values = FieldValues(dictionary, people, rng, wish.summary or {})
    hanging = hanging_of(dictionary)
    restless = fill(draft, hanging, values)
    moving = [one for one in rules_of_letter(RANGE_LETTER, dictionary) if _has_moving_bound(dictionary, one.fields[0])]
    rules = source.rules or score_rules(dictionary)
    constraints = tuple(kept_rules((*rules, *moving), dictionary))
    repairer = Repairer(hanging, values, constraints, rng, _fixed(dictionary))
    repairer.repair(draft)
    if wish.messy:
        repairer.unless_broken(draft, lambda: make_messy(draft, people, hanging, values, rng=rng, fixed=repairer.fixed))
    snapshot = _finished(draft)
    found = unavoidable_findings(snapshot, source.rules, hanging, restless, messy=wish.messy)
    return Twin(source, people, snapshot, found)


def _expected(rules: Sequence[Rule]) -> frozenset[str]:
    """The visits that a rule of the study expects of every record for which they are due."""
    visits = [rule.check for rule in rules if rule.kind is RuleKind.VISIT and rule.check is not None]
    return frozenset(
        str(check.settings["visit"]) for check in visits if "visit" in check.settings and check.kind == "absent_visit"
    )


def _has_moving_bound(dictionary: Dictionary, name: str) -> bool:
    one = dictionary.by_name[name]
    return one.minimum.startswith("[") or one.maximum.startswith("[")


def _fixed(dictionary: Dictionary) -> frozenset[str]:
    """What tells records apart is never changed, nor taken over from another record."""
    stated = {one.name for one in dictionary.fields if one.identifier and one.kind == "text"}
    return frozenset({dictionary.secondary_unique_field, dictionary.record_id_field, *stated} - {""})


def _finished(draft: Draft) -> Snapshot:
    """The draft as plain tables."""
    tables = {name: _table(draft, name) for name in draft.tables}
    return Snapshot("", "", draft.now, "", draft.dictionary, tables, groups=draft.groups)


def _table(draft: Draft, name: str) -> Table:
    table = draft.tables[name]
    cells = pa.table({column: table.cells[column] for column in table.column_names})
    return Table(name, table.keys, cells, typed_frame(draft.dictionary, name, cells))
