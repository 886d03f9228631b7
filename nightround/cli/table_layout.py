"""What `nightround table` prints for a reader: tables with their methods under them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from nightround.cli.printing import print_table, say, words
from nightround.model.language import Language
from nightround.model.result import ResultKey, ResultRow, ResultSet
from nightround.statistics.compare_policies import Difference
from nightround.statistics.rows import method_words
from nightround.statistics.tables import ENDPOINTS, FLOW, HALF_LIMIT
from nightround.study.methods import STATISTIC_SYMBOLS, words_of
from nightround.study.plan import Plan, PlannedTable, Variable
from nightround.study.plan_variables import Section
from nightround.texts import catalogue

_BETWEEN = ("difference", "smd")


class Letters:
    """The methods of a table by letter, in the order in which they first appear."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._letters: dict[str, str] = {}

    def of(self, row: ResultRow | None) -> str:
        """The letter of a row's method with its warning, or of the reason why there is no number."""
        said = "; ".join(one for one in (row.method, row.warning, row.error) if one) if row else ""
        if not said:
            return ""
        return self._letters.setdefault(said, _letter(len(self._letters)))

    def of_refusal(self, row: ResultRow) -> str:
        """The letter of the reason why there is no number, or of a method that is not the usual one."""
        return self.of(row) if row.error or row.method == method_words("smd_largest") else ""

    def notes(self) -> Iterator[str]:
        """Each letter with its words."""
        for said, letter in self._letters.items():
            yield f"{letter} {words_of(said).in_(self._language)}"


def _letter(number: int) -> str:
    return chr(ord("a") + number) if number < 26 else f"{_letter(number // 26 - 1)}{_letter(number % 26)}"  # noqa: PLR2004


class LayoutLine(NamedTuple):
    """One printed line of a variable. `prefix` begins the names of its statistics."""

    label: str
    level: str = ""
    prefix: str = ""
    tested: bool = True
    valued: bool = True


class Listing:
    """The tables of a plan in the terminal, in one language."""

    def __init__(self, plan: Plan, found: ResultSet, language: Language) -> None:
        self._plan, self._found, self._language = plan, found, language

    def show(self) -> None:
        """Print the flow, the endpoints, every table, and the curves and regressions."""
        self._print_flow()
        for table in self._plan.tables:
            self._print_table(table)
        for curve in self._plan.survival:
            self._print_effects("survival", curve.id)
        for regression in self._plan.regressions:
            self._print_effects(regression.id, None)

    def _print_flow(self) -> None:
        for step in self._plan.flow:
            self._line(step.label.in_(self._language), self._text(ResultKey(FLOW, step.id, "n")))
        unassigned = self._found.get(ResultKey(FLOW, "groups", "unassigned"))
        if unassigned and unassigned.value:
            self._line(self._word("unassigned"), unassigned.text)
        for endpoint in self._plan.endpoints:
            place = ResultKey(ENDPOINTS, endpoint.id, "summary")
            missing = self._missing(place._replace(statistic="missing"))
            self._line(endpoint.label.in_(self._language), "; ".join([self._text(place), *missing]))

    def _missing(self, key: ResultKey) -> list[str]:
        """How many values are missing, with what is to be known of them; nothing where none is."""
        rows = [self._found.get(key._replace(statistic=statistic)) for statistic in ("missing", "n")]
        if rows[0] is None or not rows[0].value:
            return []
        warnings = dict.fromkeys(row.warning for row in rows if row and row.warning)
        said = [words_of(warning).in_(self._language) for warning in warnings]
        return ["; ".join([catalogue.words("table.missing", n=rows[0].text).in_(self._language), *said])]

    def _line(self, label: str, text: str) -> None:
        say(f"{label}: {text}")

    def _word(self, code: str) -> str:
        return catalogue.words(f"table.{code}").in_(self._language)

    def _text(self, key: ResultKey) -> str:
        row = self._found.get(key)
        return row.text if row else ""

    def _print_table(self, table: PlannedTable) -> None:
        letters = Letters(self._language)
        rows = [row for section in table.sections for row in self._section(table, section, letters)]
        first, *heads = self._heads(table)
        say("")
        print_table((words(first), *heads), rows, title=table.title.in_(self._language))
        for note in (*letters.notes(), *self._below(table)):
            say(note)

    def _below(self, table: PlannedTable) -> Iterator[str]:
        """What has no place in a column: missing values by group, adjusted P, and the tests next to the planned one."""
        for variable in table.variables:
            label = variable.label.in_(self._language)
            for visit in ("", "before", "after"):
                for group in self._plan.groups:
                    key = ResultKey(table.id, variable.id, "missing", group=group.id, visit=visit)
                    where = " ".join([group.label.in_(self._language), *([self._word(visit)] if visit else [])])
                    yield from (f"{label}, {where}: {said}" for said in self._missing(key))
            yield from (f"{label}{self._group_of(row)}: {said}" for row, said in self._further_tests(table, variable))

    def _group_of(self, row: ResultRow) -> str:
        label = next((group.label.in_(self._language) for group in self._plan.groups if group.id == row.group), "")
        return f", {label}" if label else ""

    def _further_tests(self, table: PlannedTable, variable: Variable) -> Iterator[tuple[ResultRow, str]]:
        """Adjusted P and the P of tests next to the planned one, each with its method or the reason why it has none."""
        for row in self._found:
            beside = row.statistic.endswith("_p") and row.statistic.removesuffix("_p") in variable.beside
            if (row.table, row.variable) == (table.id, variable.id) and (beside or row.statistic == "p_adjusted"):
                said = "; ".join(
                    words_of(one).in_(self._language) for one in (row.method, row.warning, row.error) if one
                )
                yield row, f"P={row.text} ({said})".replace("P=<", "P<").replace("P=>", "P>")

    def _section(self, table: PlannedTable, section: Section, letters: Letters) -> Iterator[list[str]]:
        """The heading of a section, where it has one, and the lines of its variables."""
        if label := section.label.in_(self._language):
            yield [label, *[""] * (len(self._heads(table)) - 1)]
        for variable in section.variables:
            yield from self._lines(table, variable, letters)

    def _heads(self, table: PlannedTable) -> list[str]:
        word = self._word
        groups = [(group.label.in_(self._language), self._size(group.id)) for group in self._plan.groups]
        if table.kind == "by_group":
            effects = [word(name) for name in _BETWEEN if name in table.effects]
            return [
                word("variable"),
                *(f"{name} (n={n})" for name, n in groups),
                word("statistic"),
                "P",
                *effects,
            ]
        each = [
            word("pairs"),
            word("statistic"),
            "P",
            *([word("change")] if "change" in table.effects else []),
        ]
        heads = [
            head
            for name, n in groups
            for head in (f"{name} {word('before')} (n={n})", f"{name} {word('after')}", *each)
        ]
        return [word("variable"), *heads]

    def _size(self, group: str) -> str:
        return self._text(ResultKey(FLOW, "groups", "n", group))

    def _lines(self, table: PlannedTable, variable: Variable, letters: Letters) -> Iterator[list[str]]:
        for line in self._planned_lines(variable):
            yield [line.label, *self._cells(table, variable, line, letters)]

    def _planned_lines(self, variable: Variable) -> Iterator[LayoutLine]:
        """One line, or one a level under the line of the variable's test."""
        label, unit = variable.label.in_(self._language), variable.unit.in_(self._language)
        levels = variable.levels if variable.counted and not variable.shown else ()
        yield LayoutLine(f"{label}, {unit}" if unit else label, valued=not levels)
        for level in levels:
            yield LayoutLine(f"  {level.label.in_(self._language)}", level=level.id, tested=False)
        if variable.half_limit:
            yield LayoutLine(f"  {self._word('half_limit')}", prefix=HALF_LIMIT)

    def _cells(self, table: PlannedTable, variable: Variable, line: LayoutLine, letters: Letters) -> Iterator[str]:
        place = ResultKey(table.id, variable.id, f"{line.prefix}summary", level=line.level)
        if table.kind == "by_group":
            for group in self._plan.groups:
                yield self._text(place._replace(group=group.id)) if line.valued else ""
            yield from self._tested(place, line, letters, [name for name in _BETWEEN if name in table.effects])
            return
        for group in self._plan.groups:
            for visit in ("before", "after"):
                yield self._text(place._replace(group=group.id, visit=visit)) if line.valued else ""
            there = place._replace(group=group.id, level="")
            yield self._text(there._replace(statistic="n")) if line.tested else ""
            yield from self._tested(there, line, letters, ["change"] if "change" in table.effects else [])

    def _tested(self, place: ResultKey, line: LayoutLine, letters: Letters, effects: Sequence[str]) -> Iterator[str]:
        """The statistic, the P with its letter, and the effects."""
        if not line.tested:
            yield from ("" for _ in range(2 + len(effects)))
            return

        def row(statistic: str) -> ResultRow | None:
            return self._found.get(place._replace(statistic=f"{line.prefix}{statistic}", level=""))

        made = {symbol: found for name, symbol in STATISTIC_SYMBOLS.items() if (found := row(name)) is not None}
        yield next((f"{symbol}={one.text}" for symbol, one in made.items() if one.value is not None), "")
        p = row("p")
        yield f"{p.text} {letters.of(p)}" if p else ""
        for effect in effects:
            found = row(f"{effect}_summary")
            yield f"{found.text} {letters.of_refusal(found)}".rstrip() if found else ""

    def _print_effects(self, table: str, variable: str | None) -> None:
        """Curves and regressions: every number that is printed with its interval or is a P."""
        rows = [
            row
            for row in self._found
            if row.table == table
            and variable in (None, row.variable)
            and (row.statistic.endswith(("_summary", "_p")) or row.statistic in ("p", "median"))
            and not row.statistic.startswith("step")
        ]
        lines = [
            (name, group or self._word("all"), level, "; ".join(_named_text(row) for row in several))
            for (name, group, level), several in groupby(rows, key=lambda row: (row.variable, row.group, row.level))
        ]
        say("")
        print_table((words(""), words(""), words(""), words("")), lines, title=variable or table, heads=False)


def _named_text(row: ResultRow) -> str:
    return f"{row.statistic.removesuffix('_summary')} {row.text}"


def print_differences(differences: Sequence[Difference], policies: tuple[str, str], language: Language) -> None:
    """Every number that two policies print differently, and why."""
    title, number, why = (
        catalogue.words(f"table.{code}", n=len(differences)).in_(language)
        for code in ("numbers_differ", "number", "why")
    )
    rows = [
        (
            " | ".join(part for part in one.key if part),
            *(side.text if side else "" for side in (one.first, one.second)),
            one.why.in_(language),
        )
        for one in differences
    ]
    say("")
    print_table((words(number), *policies, words(why)), rows, title=title)
