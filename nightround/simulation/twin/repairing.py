"""Values that break a rule are drawn anew, until the rules are kept: a search by record, over whole columns at once.

In each round, for each rule that fails, one of its fields is changed in every record that breaks it. Candidates are the
values at which the rule's own conditions turn, and fresh draws; of these each record takes the one that leaves it with
the fewest broken rules. A little chance leads out of dead ends. A record that does not get there takes over the
answers of one that did.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from nightround.simulation.twin.cell_changes import CellChanges, CellChangesOfSome
from nightround.simulation.twin.constraints import (
    Constraint,
    KeptNear,
    KeptRule,
    counted_as_numbers,
    failing_rows,
    outlying,
)
from nightround.simulation.twin.donors import matching_rows, right_records_alike
from nightround.simulation.twin.draft import Cells, Draft, Mask, Numbers, Rows
from nightround.simulation.twin.first_values import CHOICE_TYPES, FieldValues
from nightround.simulation.twin.hang_together import Hanging, field_of, fill, settle
from nightround.simulation.twin.turning_points import Start, differences, roots
from nightround.validation.lookup import ROW_COUNT
from nightround.validation.no_value import NoValue
from redcap_sync.column_name import checkbox_column
from redcap_sync.dictionary import Field
from redcap_sync.logic import Reference

ROUNDS, RESTARTS, OUTLIER_ROUNDS, ROUNDS_EACH = 30, 3, 14, 8
PATIENCE = 3
"""Outliers that did not get fewer in so many rounds are left."""
MOST_COPIES, RECORDS_AT_ONCE = 8, 400
"""A small twin is searched in several copies side by side: what a round costs is the rules, not the records."""
MOST_CANDIDATES = 14
MOST_TRIED = 40_000
"""Records that are tried at a time, copies counted."""
FRESH = 4
TIE = 0.5
CHANCE = 0.3
"""How often a record without a better candidate takes any, and how often a rule is kept by another of its fields."""
Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Repairer:
    """Everything the search needs but the rows."""

    hanging: Hanging
    values: FieldValues
    constraints: tuple[Constraint, ...]
    rng: np.random.Generator
    fixed: frozenset[str] = frozenset()
    """Fields that are never changed to keep a rule."""

    def repair(self, draft: Draft) -> None:
        """Change what breaks a rule, then what is an outlier; a rule is never broken for an outlier's sake."""
        self._search_in_copies(draft, anew=False)
        for _ in range(RESTARTS):
            stuck = self._broken(draft, self.constraints)
            if not stuck.any():
                break
            part = draft.some(stuck)
            self._search_in_copies(part, anew=True)
            draft.take_back(part, stuck)
        self._from_others(draft, self.constraints)
        fields = [one for one in draft.dictionary.fields if counted_as_numbers(one)]
        watched: frozenset[str] = frozenset()
        fewest, since = len(draft.records) * len(fields) + 1, 0
        for number in range(OUTLIER_ROUNDS):
            near, found = outlying(draft, fields, watched, number / OUTLIER_ROUNDS)
            count = sum(len(one.failing(draft)) for one in near)
            fewest, since = min(fewest, count), 0 if count < fewest else since + 1
            if not found or since > PATIENCE:
                return
            watched |= found
            every = (*self.constraints, *near)

            def bring_nearer(every: tuple[Constraint, ...] = every, last: frozenset[str] = watched) -> None:
                self._search(draft, every, ROUNDS_EACH, last)
                self._from_others(draft, every)

            self.unless_broken(draft, bring_nearer)

    def unless_broken(self, draft: Draft, change: Callable[[], None]) -> None:
        """Change a draft; a record that breaks a rule afterwards, and did not before, gets its values back."""
        before = {name: dict(table.current) for name, table in draft.tables.items()}
        was_broken = self._broken(draft, self.constraints)
        change()
        draft.put_back(before, self._broken(draft, self.constraints) & ~was_broken)

    def _search_in_copies(self, draft: Draft, *, anew: bool) -> None:
        """Search in several copies of each record, and give it the answers of the copy that breaks the fewest rules.

        `anew` draws everything anew first, for records in which the search found no way out.
        """
        records = np.arange(len(draft.records))
        count = max(1, min(MOST_COPIES, RECORDS_AT_ONCE // max(len(records), 1)))
        trial = draft.copies(records, count, None)
        if anew:
            self._draw_anew(trial)
        self._search(trial, self.constraints, ROUNDS, copies=count)
        broken = _broken_rules(trial, self.constraints).reshape(count, len(records))
        self._take_over(draft, trial, records, broken.argmin(axis=0), self.hanging.by_name)

    def _draw_anew(self, draft: Draft) -> None:
        for one in draft.dictionary.fields:
            for column in draft.dictionary.columns_of_field(one):
                if one.name in self.hanging.by_name and one.name not in self.fixed:
                    draft[column] = np.full(len(draft[column]), "0" if one.type == "checkbox" else "", dtype=object)
        fill(draft, self.hanging, self.values)

    def _broken(self, draft: Draft, constraints: Sequence[Constraint]) -> Mask:
        """The records that break any of some constraints."""
        found = np.zeros(len(draft.records), dtype=bool)
        for records in records_of(draft, constraints, failing_rows(draft, constraints)).values():
            found[records] = True
        return found

    def _search(
        self,
        draft: Draft,
        constraints: Sequence[Constraint],
        rounds: int,
        last: frozenset[str] = frozenset(),
        copies: int = 1,
    ) -> None:
        """Change one field for each broken rule, round after round; fields named in `last` only for want of others.

        Of `copies` of each record, one behind the other, one that breaks no rule is enough.
        """
        changes = CellChanges(len(draft.records))
        for changes.round in range(rounds):
            broken = records_of(draft, constraints, failing_rows(draft, constraints))
            chosen = np.zeros(len(draft.records), dtype=bool)
            for records in broken.values():
                chosen[records] = True
            chosen = np.tile(chosen.reshape(copies, -1).all(axis=0), copies)
            if not chosen.any():
                return
            part, numbers = draft.some(chosen), np.flatnonzero(chosen)
            for one in constraints:
                if len(broken[one.id]):
                    self._keep_everywhere(part, one, constraints, self._targets(one, last), changes.of(numbers))
            draft.take_back(part, chosen)

    def _keep_everywhere(
        self,
        draft: Draft,
        broken: Constraint,
        constraints: Sequence[Constraint],
        targets: Sequence[str],
        changes: CellChangesOfSome,
    ) -> None:
        """Change one field in each row where a rule is broken."""
        for target, rows in self._chosen(draft, broken, targets, changes):
            self._keep(draft, broken, constraints, target, rows)
            changes.note(target, draft.records_of(*broken.instruments)[rows])

    def _chosen(
        self, draft: Draft, broken: Constraint, targets: Sequence[str], changes: CellChangesOfSome
    ) -> Iterator[tuple[str, Rows]]:
        """The rows that break a rule, by the field to change in them: one that was not just changed in their record.

        Two rules that pull one field to either side would else change it to and fro for ever, though another field of
        theirs gives way.
        """
        rows = failing_rows(draft, [broken])[broken.id]
        if self.rng.random() < CHANCE:
            targets = [targets[n] for n in self.rng.permutation(len(targets))]
        waiting = np.ones(len(rows), dtype=bool)
        for target in targets:
            own = waiting & changes.rested(target, draft.records_of(*broken.instruments)[rows])
            if own.any():
                yield target, rows[own]
            waiting &= ~own
        if targets and waiting.any():
            yield targets[0], rows[waiting]

    def _keep(
        self, draft: Draft, broken: Constraint, constraints: Sequence[Constraint], target: str, rows: Rows
    ) -> None:
        """Change one field where a rule is broken."""
        places = self._places(draft, broken, target, rows)
        if places is None:
            return
        changed = draft.dictionary.by_name[target]
        candidates = self._candidates(draft, broken, changed, places)
        records = draft.tables[changed.instrument].records[places.rows]
        size = max(1, MOST_TRIED // (len(candidates) + 1))
        every = np.unique(records)
        for start in range(0, len(every), size):
            some = np.isin(records, every[start : start + size])
            tried = [{column: cells[some] for column, cells in one.items()} for one in candidates]
            concerned = self._concerned(target, constraints)
            self._take_best(draft, changed, places.rows[some], tried, concerned=concerned, broken=broken)

    def _targets(self, broken: Constraint, last: frozenset[str]) -> list[str]:
        """The fields that may be changed, those that calculate one of the rule's fields in its place."""
        known = self.hanging.by_name
        found: dict[str, None] = {}
        for name in broken.fields:
            logic = known.get(name)
            if logic is None or name in self.fixed:
                continue
            inputs = self.hanging.inputs(name) if logic.calculation is not None else [name]
            found |= dict.fromkeys(one for one in inputs if one in known and one not in self.fixed)
        targets = list(found)
        if isinstance(broken, KeptRule) and not last & found.keys():
            return targets
        return sorted((targets[n] for n in self.rng.permutation(len(targets))), key=lambda one: one in last)

    def _places(self, draft: Draft, broken: Constraint, target: str, rows: Rows) -> _TargetRows | None:
        """For each record the row of the target that its first failing row reads, in the target's table."""
        table = draft.table_of(draft.dictionary.columns_of_field(draft.dictionary.by_name[target])[0])
        reference = self._reference(broken, target)
        positions = (
            rows if reference is None and broken.fields == (target,) else _positions(draft, broken, reference, rows)
        )
        if positions is None:
            # A field that only feeds a calculation is looked for in the same records.
            wanted = np.unique(draft.records_of(*broken.instruments)[rows])
            order = self.rng.permutation(len(table.records))
            own = order[np.isin(table.records[order], wanted)]
            positions, rows = own, np.full(len(own), -1)
        there = positions >= 0
        positions, rows = positions[there], rows[there]
        if self.rng.random() < CHANCE:
            _, first = np.unique(table.records[positions], return_index=True)
        else:
            _, first = np.unique(positions, return_index=True)
        return _TargetRows(positions[first], rows[first], reference) if len(first) else None

    def _reference(self, broken: Constraint, target: str) -> Reference | None:
        """One of the ways in which a rule reads a field: its own row's, or that of another event or instance."""
        if not isinstance(broken, KeptRule):
            return None
        read = [one for one in broken.compiled.references if field_of(one.export_column) == target]
        return read[int(self.rng.integers(len(read)))] if read else None

    def _concerned(self, target: str, constraints: Sequence[Constraint]) -> list[Constraint]:
        touched = {target} | self.hanging.behind([target])
        return [one for one in constraints if touched & set(one.fields)]

    def _candidates(
        self, draft: Draft, broken: Constraint, field: Field, places: _TargetRows
    ) -> list[dict[str, Cells]]:
        rows = places.rows
        fresh = [self.values.draw(draft, field, rows) for _ in range(FRESH)]
        if field.type == "checkbox":
            return [*fresh, *_single_boxes(draft, field, len(rows))]
        if field.type in CHOICE_TYPES:
            codes = [choice.code for choice in field.choices]
            some = [codes[n] for n in self.rng.permutation(len(codes))[:MOST_CANDIDATES]]
            return [{field.name: np.full(len(rows), code, dtype=object)} for code in some]
        scalar = self.values.scalars.get(field.name)
        if scalar is not None and isinstance(broken, KeptNear) and broken.field == field.name:
            spread = (self.rng.uniform(broken.low, broken.high, size=len(rows)) for _ in range(FRESH))
            bounds = self.values.bounds(draft, field, scalar, rows)
            return [{field.name: scalar.write(scalar.within(one, bounds.low, bounds.high))} for one in spread]
        if scalar is None or not isinstance(broken, KeptRule) or (places.failing < 0).any():
            return fresh
        bounds = self.values.bounds(draft, field, scalar, rows)
        points = list(self._points(draft, broken, field, places))
        inside = [scalar.within(one, bounds.low, bounds.high) for one in points[: 2 * MOST_CANDIDATES]]
        current = scalar.read(draft[field.name][rows])
        return [*({field.name: scalar.write(np.where(np.isnan(one), current, one))} for one in inside), *fresh]

    def _points(self, draft: Draft, broken: KeptRule, field: Field, places: _TargetRows) -> Iterator[Numbers]:
        """Values at, next to and between the points where the rule's conditions turn."""
        scalar = self.values.scalars[field.name]
        batch = draft.batch(broken.compiled.references, *broken.instruments)
        current = scalar.read(draft[field.name][places.rows])
        step = 40 * 86_400.0 if scalar.measure == "moment" else max(scalar.step, 1.0)
        found: list[Numbers] = []
        target = places.reference
        if target is not None:
            trees = broken.compiled.trees.asked
            turning = [one for tree in trees for one in differences(tree, target, draft.dictionary)]
            found = [roots(batch, one, target.column, Start(current, step, places.failing)) for one in turning]
        unit = max(scalar.step, 86_400.0) if scalar.measure == "moment" else scalar.step
        for number, root in enumerate(found):
            for other in found[number + 1 :]:
                share = self.rng.uniform(0.25, 0.75, size=len(root))
                yield root + share * (other - root)
            yield root
            yield root + unit
            yield root - unit
            far = unit * self.rng.integers(2, 15, size=len(root))
            yield root + far
            yield root - far

    def _take_best(
        self,
        draft: Draft,
        field: Field,
        rows: Rows,
        candidates: Sequence[dict[str, Cells]],
        *,
        concerned: Sequence[Constraint],
        broken: Constraint,
    ) -> None:
        """Try all candidates in copies of the records; each record keeps the one that leaves the fewest broken rules.

        Of equal ones the one that keeps the rule in hand is better, so that a chain of rules can be walked along.
        """
        touched = {field.name} | self.hanging.behind([field.name])
        records = np.unique(draft.tables[field.instrument].records[rows])
        trial = draft.copies(records, len(candidates) + 1, self._columns(draft, touched, concerned))
        self._apply(trial, field, self._rows_in_trial(draft, field, rows, records), candidates)
        shape = (len(candidates) + 1, len(records))
        failing = failing_rows(trial, [*concerned, *([broken] if broken not in concerned else [])])
        counts, own = (_count_rows(trial, some, failing).reshape(shape) for some in (concerned, [broken]))
        score = 2 * counts + own + self.rng.uniform(0, TIE, size=shape)
        score[0] -= TIE
        chosen = score.argmin(axis=0)
        luck = (chosen == 0) & (self.rng.random(len(records)) < CHANCE)
        chosen = np.where(luck, self.rng.integers(1, len(candidates) + 1, size=len(records)), chosen)
        self._take_over(draft, trial, records, chosen, touched)

    def _rows_in_trial(self, draft: Draft, field: Field, rows: Rows, records: Rows) -> Rows:
        """The places of some rows among those that a copy of their records has."""
        place = np.full(len(draft.records), -1, dtype=np.intp)
        place[records] = np.arange(len(records))
        return np.searchsorted(draft.rows_of(field.instrument, place), rows)

    def _apply(self, trial: Draft, field: Field, rows: Rows, candidates: Sequence[dict[str, Cells]]) -> None:
        """Put each candidate into its copy and bring what hangs on it in line; the first copy stays as it was."""
        length = len(trial.tables[field.instrument]) // (len(candidates) + 1)
        for column in trial.dictionary.columns_of_field(field):
            changed = trial[column].copy()
            for number, cells in enumerate(candidates, start=1):
                changed[number * length + rows] = cells[column]
            trial[column] = changed
        behind = self.hanging.behind([field.name])
        if behind:
            settle(trial, self.hanging, self.values, behind)

    def _columns(
        self, draft: Draft, touched: Collection[str], concerned: Sequence[Constraint]
    ) -> frozenset[str] | None:
        """The columns that a trial needs; None for all, where a rule counts what was entered."""
        read = [reference for one in concerned if isinstance(one, KeptRule) for reference in one.compiled.references]
        if any(reference.field == ROW_COUNT for reference in read):
            return None
        names = {*touched, *(name for one in concerned for name in one.fields)}
        names |= {name for one in touched if one in self.hanging.by_name for name in self.hanging.by_name[one].reads}
        columns = {column for name in names for column in _columns(draft, name)}
        return frozenset(columns | names | {reference.export_column for reference in read})

    def _take_over(self, draft: Draft, trial: Draft, records: Rows, chosen: Counts, touched: Collection[str]) -> None:
        """Give each record the touched fields of the copy that it chose."""
        place = np.full(len(draft.records), -1, dtype=np.intp)
        place[records] = np.arange(len(records))
        for column in (column for name in sorted(touched) for column in _columns(draft, name)):
            table = draft.table_of(column)
            own = draft.rows_of(table.instrument, place)
            picked = chosen[place[table.records[own]]] * len(own) + np.arange(len(own))
            changed = draft[column].copy()
            changed[own] = trial[column][picked]
            draft[column] = changed

    def _from_others(self, draft: Draft, constraints: Sequence[Constraint]) -> None:
        """Give records that are still wrong the answers of one with the same rows that is right."""
        wrong = self._broken(draft, constraints)
        if not wrong.any() or wrong.all():
            return
        donors = right_records_alike(draft, wrong, self.rng)
        for table in draft.tables.values():
            source, target = matching_rows(table.records, donors)
            for column, cells in table.current.items():
                if field_of(column) in self.fixed or not len(target):
                    continue
                taken = cells.copy()
                taken[target] = cells[source]
                table.replace_column(column, taken)
        settle(draft, self.hanging, self.values, None)


@dataclass(frozen=True)
class _TargetRows:
    """Rows of a target, one a record, each with the failing row that reads it (-1 where none does directly)."""

    rows: Rows
    failing: Rows
    reference: Reference | None
    """How the rule reads the target."""


def _positions(draft: Draft, broken: Constraint, reference: Reference | None, rows: Rows) -> Rows | None:
    if reference is None:
        return None
    try:
        return draft.source(reference, *broken.instruments).positions[rows]
    except NoValue:
        return None


def _columns(draft: Draft, name: str) -> tuple[str, ...]:
    one = draft.dictionary.by_name.get(name)
    return draft.dictionary.columns_of_field(one) if one is not None else ()


def _single_boxes(draft: Draft, field: Field, count: int) -> list[dict[str, Cells]]:
    """Each option alone."""
    found = []
    for choice in field.choices[:MOST_CANDIDATES]:
        cells = {column: np.full(count, "0", dtype=object) for column in draft.dictionary.columns_of_field(field)}
        cells[checkbox_column(field.name, choice.code)] = np.full(count, "1", dtype=object)
        found.append(cells)
    return found


def records_of(draft: Draft, constraints: Sequence[Constraint], failing: dict[str, Rows]) -> dict[str, Rows]:
    """The numbers of the records that break each constraint."""
    return {one.id: np.unique(draft.records_of(*one.instruments)[failing[one.id]]) for one in constraints}


def _broken_rules(draft: Draft, constraints: Sequence[Constraint]) -> Counts:
    """How many rows of each record break one of some constraints, each counted."""
    return _count_rows(draft, constraints, failing_rows(draft, constraints))


def _count_rows(draft: Draft, constraints: Sequence[Constraint], failing: Mapping[str, Rows]) -> Counts:
    """How many of the failing rows of some constraints each record has."""
    counts = np.zeros(len(draft.records), dtype=np.int64)
    for one in constraints:
        if len(failing[one.id]):
            counts += np.bincount(draft.records_of(*one.instruments)[failing[one.id]], minlength=len(counts))
    return counts
