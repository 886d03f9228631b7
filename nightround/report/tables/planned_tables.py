"""Plan and result rows become tables: which number stands where, with its letter. Nothing is computed here."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from string import ascii_lowercase

from nightround.model.language import Language, Words
from nightround.model.result import ResultKey, ResultRow, ResultSet
from nightround.report.numbers.facts import EMPTY_TRUST, Line, Trust
from nightround.report.tables.trust_marks import trust_mark, trust_notes
from nightround.report.tables.views import Cell, Note, Row, Spanner, TableColumn, TableView
from nightround.study.methods import STATISTIC_SYMBOLS, Caution, HypothesisTestName, words_of
from nightround.study.plan import Level, Plan, PlanGroup, PlannedTable, Section, Variable
from nightround.texts.catalogue import Wording

SIGNIFICANT = 0.05
"""P below this is printed bold; the customary level, which the plan's tests are two-sided at."""
BETWEEN_EFFECTS = frozenset({"difference", "smd"})
WITHIN_EFFECTS = frozenset({"change"})
WITHOUT_INTERVAL = frozenset({"smd"})
"""Effects whose interval is in the attached result rows only, for room."""
OWN_ABBREVIATIONS = ("CI", "IQR", "M", "OR", "SD")
"""What heads and labels of the engine abbreviate."""
FLOW = "flow"
"""The table of the flow's counts and of the group sizes."""


@dataclass
class Notes:
    """The notes of one table: each text once, lettered in the order it is first needed."""

    texts: list[str] = field(default_factory=list)

    def letter(self, text: str) -> str:
        """The letter of a text: a to z, then aa to zz."""
        if text not in self.texts:
            self.texts.append(text)
        round_of_letters, place = divmod(self.texts.index(text), len(ascii_lowercase))
        return ascii_lowercase[place] * (round_of_letters + 1)

    def listed(self) -> tuple[Note, ...]:
        """Every note with its letter."""
        return tuple(Note(text, self.letter(text)) for text in self.texts)


@dataclass(frozen=True)
class TableSource:
    """What the cells of one table are read from."""

    plan: Plan
    results: ResultSet
    say: Wording
    table: PlannedTable
    trust: Trust = EMPTY_TRUST
    notes: Notes = field(default_factory=Notes)

    @property
    def language(self) -> Language:
        """The language of the report."""
        return self.say.language

    def words(self, words: Words) -> str:
        """A text of the plan in the language of the report."""
        return words.in_(self.language)

    def row(self, variable: str, statistic: str, group: str = "", visit: str = "", level: str = "") -> ResultRow | None:
        """A result row of this table, or None where none was made."""
        return self.results.get(ResultKey(self.table.id, variable, statistic, group, visit, level))

    def remarks(self, row: ResultRow, *, method: bool) -> str:
        """The letters of what must be known of a number: its test, its warning, why it is missing."""
        texts = (row.method if method else "", *row.warning.split("; "), row.error)
        return "".join(sorted(self.notes.letter(self.words(words_of(text))) for text in texts if text))

    def summary(self, variable: str, group: str, visit: str, level: str = "") -> Cell:
        """The cell that describes a variable, or a level of it, in a group at a visit."""
        row = self.row(variable, "summary", group, visit, level)
        if row is None:
            return Cell()
        letters = self.remarks(row, method=False) + ("" if level else self.known(variable, group, visit))
        return Cell(typeset(row.text, self.language), notes="".join(sorted(letters)))

    def known(self, variable: str, group: str, visit: str) -> str:
        """The letter of how many have a value, where somebody has none."""
        missing, known = (self.row(variable, name, group, visit) for name in ("missing", "n"))
        return self.notes.letter(self.say("n_equals", n=known.text)) if missing and missing.value and known else ""

    def tests(self, variable: str, group: str = "") -> tuple[Cell, ...]:
        """The statistic and P of the test that counts, then P of those next to it."""
        if not test_columns(self):
            return ()
        beside = (self.first_p(variable, tests, group) for tests in side_by_side(self).values())
        return self.statistic(variable, group, ""), self.p_value(variable, "p", group), *beside

    def first_p(self, variable: str, tests: Sequence[str], group: str) -> Cell:
        """P of the first of some tests that ran; they share a column."""
        cells = (self.p_value(variable, f"{test}_p", group) for test in tests)
        return next((cell for cell in cells if cell.text), Cell())

    def p_value(self, variable: str, name: str, group: str) -> Cell:
        """A P value with the letter of its test, bold under the customary level."""
        row = self.row(variable, name, group)
        if row is None:
            return Cell()
        strong = calls_difference(row)
        return Cell(row.text, notes=self.remarks(row, method=name == "p"), strong=strong)

    def statistic(self, variable: str, group: str, visit: str) -> Cell:
        """The statistic of a test with its sign; an exact test has none."""
        for name, symbol in STATISTIC_SYMBOLS.items():
            row = self.row(variable, name, group, visit)
            if row is not None:
                return Cell(typeset(row.text, self.language), symbol=symbol)
        return Cell()

    def effect(self, variable: str, name: str, group: str = "") -> Cell:
        """An effect with its interval."""
        row = self.row(variable, name if name in WITHOUT_INTERVAL else f"{name}_summary", group)
        return Cell(typeset(row.text, self.language), notes=self.remarks(row, method=False)) if row else Cell()


def typeset(text: str, language: Language) -> str:
    """A cell as a language's journals set it: 54.0±15.4 and 62～742 in Chinese, 54.0 ± 15.4 and 62–742 in English."""
    return text.replace("±", " ± ").replace("~", "–") if language == "en" else text.replace("~", "～")


def label_of(variable: Variable, source: TableSource) -> str:
    """A variable's label with its unit, and what its numbers are where the notes do not say it of all."""
    kind = variable.summary if variable.summary in kinds_in_heads(source.table) else "plain"
    return with_unit(f"label_{kind}", variable, source.say)


def kinds_in_heads(table: PlannedTable) -> frozenset[str]:
    """The summaries that a line names itself: all of a table by group, else all but the commonest.

    A wide table of measurements at two visits has one kind of number nearly throughout; its notes name that one.
    """
    kinds = Counter(variable.summary for variable in table.variables)
    return frozenset(kinds) if table.kind == "by_group" else frozenset(kinds) - {commonest(table)}


def commonest(table: PlannedTable) -> str:
    """The summary that most lines of a table have."""
    return Counter(variable.summary for variable in table.variables).most_common(1)[0][0]


def measured_label(variable: Variable, say: Wording) -> str:
    """A variable's label with its unit, without the name of its summary."""
    return with_unit("label_plain", variable, say)


def with_unit(name: str, variable: Variable, say: Wording) -> str:
    """A variable's label with its unit; where the label ends in a bracket of its own, the unit goes into it."""
    label, unit = (text.in_(say.language) for text in (variable.label, variable.unit))
    if name == "label_n_percent":
        return say(name, label=label)
    if not unit:
        return say(f"{name}_no_unit", label=label)
    if label.endswith("）"):
        return say(f"{name}_inside", label=label.removesuffix("）"), unit=unit)
    return say(name, label=label, unit=unit)


def effects_shown(source: TableSource, *, within: bool) -> tuple[str, ...]:
    """The effects of the plan that have a column: a change stays with its group, a difference with both."""
    made = {row.statistic for row in source.results if row.table == source.table.id}
    wanted = WITHIN_EFFECTS if within else BETWEEN_EFFECTS
    return tuple(effect for effect in source.table.effects if effect in wanted and effect in made)


def listed_tests(source: TableSource) -> tuple[str, ...]:
    """The tests the plan lists next to the one that counts, and those that small counts call for, each once."""
    planned = [test.value for variable in source.table.variables for test in variable.beside]
    exact = (HypothesisTestName.PEARSON, HypothesisTestName.FISHER, HypothesisTestName.FISHER_FREEMAN_HALTON)
    made = {row.statistic for row in source.results if row.table == source.table.id and not row.visit}
    return tuple(dict.fromkeys([*planned, *(test.value for test in exact if f"{test.value}_p" in made)]))


def side_by_side(source: TableSource) -> dict[str, list[str]]:
    """The tests next to the one that counts, by the head of their column: Fisher's and its extension have one."""
    columns: dict[str, list[str]] = {}
    for test in listed_tests(source):
        columns.setdefault(source.say(f"short_{test}"), []).append(test)
    return columns


def calls_difference(row: ResultRow) -> bool:
    """Whether a P is under the customary level, and its test may say so.

    Pearson's test with an expected count below 5 may not, unless the plan has named what counts in its place.
    """
    return row.value is not None and row.value < SIGNIFICANT and Caution.SMALL_EXPECTED not in row.warning.split("; ")


def effect_columns(source: TableSource, effects: Sequence[str]) -> tuple[TableColumn, ...]:
    """The columns of effects."""
    return tuple(
        TableColumn(source.say(f"effect_{effect}"), source.say(f"effect_under_{effect}")) for effect in effects
    )


def test_columns(source: TableSource) -> tuple[TableColumn, ...]:
    """The statistic comes before P, and P of the tests next to it last; none where no test ran."""
    if not any(row.table == source.table.id and row.statistic == "p" for row in source.results):
        return ()
    beside = (TableColumn("P", short, kind="p") for short in side_by_side(source))
    return TableColumn(source.say("statistic"), kind="statistic"), TableColumn("P", kind="p"), *beside


def group_size(source: TableSource, group: PlanGroup) -> str:
    """`n = 43` of a group."""
    row = source.results.get(ResultKey(FLOW, "groups", "n", group.id))
    return source.say("n_equals", n=row.text) if row else ""


def step_count(results: ResultSet, step: str) -> int:
    """How many patients passed a step of the flow."""
    return int(results[ResultKey(FLOW, step, "n")].value or 0)


CellsOf = Callable[[TableSource, Variable, Level | None], tuple[Cell, ...]]
"""The cells of a variable's line, or of one of its levels' lines."""


def variable_rows(source: TableSource, variable: Variable, cells: CellsOf) -> Iterator[Row]:
    """One line for a number or a yes/no; for several levels a line with the test, then one line each."""
    mark = trust_mark(source.trust, Line(source.table.id, variable.id))
    yield Row(label_of(variable, source), cells(source, variable, None), mark=mark)
    if variable.counted and not variable.shown:
        for level in variable.levels:
            yield Row(source.words(level.label), cells(source, variable, level), depth=2)


def section_rows(source: TableSource, sections: Sequence[Section], cells: CellsOf) -> Iterator[Row]:
    """The lines of some sections, each under its heading; a heading that only repeats its one line is that line."""
    for section in sections:
        heading = source.words(section.label)
        rows = [row for variable in section.variables for row in variable_rows(source, variable, cells)]
        if heading and heading == source.words(section.variables[0].label):
            rows[0] = replace(rows[0], heading=True, depth=0)
        elif heading:
            yield Row(heading, heading=True, depth=0)
        yield from rows


def by_group_cells(source: TableSource, variable: Variable, level: Level | None) -> tuple[Cell, ...]:
    """A cell a group, the effects, the statistic and P."""
    name = level.id if level else ""
    columns = (*([""] if source.table.overall else []), *(group.id for group in source.plan.groups))
    groups = tuple(source.summary(variable.id, group, "", name) for group in columns)
    effects = effects_shown(source, within=False)
    if level:
        return groups + (Cell(),) * (len(effects) + len(test_columns(source)))
    found = (source.effect(variable.id, effect) for effect in effects)
    return (*groups, *found, *source.tests(variable.id))


def by_group_table(source: TableSource, number: str) -> TableView:
    """Groups side by side, as a table of baseline data."""
    groups = tuple(TableColumn(source.words(group.label), group_size(source, group)) for group in source.plan.groups)
    effects = effect_columns(source, effects_shown(source, within=False))
    rows = tuple(section_rows(source, source.table.sections, by_group_cells))
    columns = (*overall_column(source), *groups, *effects, *test_columns(source))
    return view(source, number, "characteristic", columns, rows)


def overall_column(source: TableSource) -> tuple[TableColumn, ...]:
    """The column of all patients of the table, where the plan asks for it."""
    if not source.table.overall:
        return ()
    n = source.say("n_equals", n=step_count(source.results, source.plan.population))
    return (TableColumn(source.say("overall"), n),)


def view(
    source: TableSource, number: str, label_head: str, columns: tuple[TableColumn, ...], rows: tuple[Row, ...]
) -> TableView:
    """The table of a source's plan; its notes are those its cells asked for, so the rows come first."""
    return TableView(
        id=source.table.id,
        number=number,
        title=source.words(source.table.title),
        label_head=source.say(label_head),
        columns=columns,
        rows=rows,
        notes=notes_of(source, (source.words(source.table.title), *(one.head for one in columns)), rows),
    )


def visit_cells(source: TableSource, variable: Variable, level: Level | None, group: PlanGroup) -> tuple[Cell, ...]:
    """Before, after, the change, the statistic and P within one group."""
    name = level.id if level else ""
    visits = tuple(visit_cell(source, variable, group, visit, name) for visit, _ in variable.visits)
    effects = effects_shown(source, within=True)
    if level:
        return visits + (Cell(),) * (len(effects) + len(test_columns(source)))
    within = (source.effect(variable.id, effect, group.id) for effect in effects)
    return (*visits, *within, *source.tests(variable.id, group.id))


def visit_cell(source: TableSource, variable: Variable, group: PlanGroup, visit: str, level: str) -> Cell:
    """One visit of one group, with a note where the groups differ at that visit."""
    cell = source.summary(variable.id, group.id, visit, level)
    p = source.row(variable.id, "p", "", visit)
    if group is source.plan.groups[0] or not cell.text or p is None or not calls_difference(p):
        return cell
    statistic = source.statistic(variable.id, "", visit)
    found = source.say("statistic_text", symbol=statistic.symbol, value=statistic.text) if statistic.symbol else ""
    test = source.words(words_of(p.method))
    note = source.say("groups_differ", statistic=found, p=p_with_sign(p.text), test=test)
    return replace(cell, notes=cell.notes + source.notes.letter(note))


def p_with_sign(text: str) -> str:
    """`= 0.028`, or `< 0.001`."""
    return f"{text[0]} {text[1:]}" if text[:1] in "<>" else f"= {text}"


def visit_label(table: PlannedTable, visit: str, say: Wording) -> str:
    """What a visit of a table is called: by the plan or REDCap's events, else as the first or the second."""
    if table.visits is None:
        return say(visit)
    return (table.visits.before if visit == "before" else table.visits.after).in_(say.language)


def visit_labels(table: PlannedTable, say: Wording) -> tuple[str, str]:
    """What the two visits of a table are called."""
    return visit_label(table, "before", say), visit_label(table, "after", say)


def visit_columns(source: TableSource) -> tuple[TableColumn, ...]:
    """The columns of one group's visits."""
    visits = (TableColumn(label) for label in visit_labels(source.table, source.say))
    return (*visits, *effect_columns(source, effects_shown(source, within=True)), *test_columns(source))


def before_after_cells(source: TableSource, variable: Variable, level: Level | None) -> tuple[Cell, ...]:
    """The cells of every group, side by side."""
    groups = (visit_cells(source, variable, level, group) for group in source.plan.groups)
    return tuple(cell for cells in groups for cell in cells)


def before_after_table(source: TableSource, number: str) -> TableView:
    """Both visits of each group, the groups side by side, on a wide page."""
    columns = visit_columns(source)
    rows = tuple(section_rows(source, source.table.sections, before_after_cells))
    table = view(source, number, "outcome", columns * len(source.plan.groups), rows)
    spanners = tuple(Spanner(group_head(source, group), len(columns)) for group in source.plan.groups)
    return replace(table, spanners=spanners, landscape=True)


def group_head(source: TableSource, group: PlanGroup) -> str:
    """A group's label with its size."""
    return source.say("group_with_size", group=source.words(group.label), size=group_size(source, group))


def laboratory_rows(source: TableSource) -> Iterator[Row]:
    """The groups one below the other, each with every variable."""
    for group in source.plan.groups:
        yield Row(group_head(source, group), heading=True, depth=0)

        def cells(
            source: TableSource, variable: Variable, level: Level | None, group: PlanGroup = group
        ) -> tuple[Cell, ...]:
            return visit_cells(source, variable, level, group)

        for variable in source.table.variables:
            yield from variable_rows(source, variable, cells)


def laboratory_table(source: TableSource, number: str) -> TableView:
    """Both visits of each group, the groups one below the other."""
    rows = tuple(laboratory_rows(source))
    return view(source, number, "laboratory_test", visit_columns(source), rows)


def notes_of(source: TableSource, heads: Sequence[str], rows: Sequence[Row]) -> tuple[Note, ...]:
    """What the numbers are and what gave the effects, what is abbreviated, what is in doubt, then the letters."""
    effects = effects_shown(source, within=source.table.kind != "by_group")
    return (
        Note(values_note(source)),
        *(Note(effect_note(source, effect)) for effect in effects),
        *(
            Note(text)
            for text in abbreviations_note(source, (values_note(source), *heads, *(one.label for one in rows)))
        ),
        *trust_notes(rows, source.say),
        *source.notes.listed(),
    )


def values_note(source: TableSource) -> str:
    """What is bold, and what the numbers are that no line names; percentages differ by percentage points."""
    parts = [source.say("note_bold")]
    if source.table.kind != "by_group":
        parts.insert(0, source.say("note_values", kind=source.say(f"note_{commonest(source.table)}")))
    between = {"difference", "change"} & set(source.table.effects)
    if between and any(variable.counted for variable in source.table.variables):
        parts.append(source.say("note_points"))
    return source.say("sentences").join(parts)


def abbreviations_note(source: TableSource, texts: Sequence[str]) -> Iterator[str]:
    """The abbreviations of a table expanded: the engine's own, then those of the plan."""
    known = {name: source.say(f"abbreviation_{name}") for name in OWN_ABBREVIATIONS}
    known |= {name: source.words(text) for name, text in source.plan.abbreviations.items()}
    every = "\n".join(texts)
    found = [name for name in known if re.search(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", every)]
    listed = (source.say("abbreviation", name=name, text=known[name]) for name in found)
    if found:
        yield source.say("abbreviations", list=source.say("semicolon").join(listed))


def effect_note(source: TableSource, effect: str) -> str:
    """What gave an effect: each method that ran, once."""
    rows = (row for row in source.results if row.table == source.table.id and row.statistic == effect)
    methods = (source.words(words_of(name)) for name in dict.fromkeys(row.method for row in rows) if name)
    return source.say(
        "note_effect", effect=source.say(f"effect_{effect}"), methods=source.say("semicolon").join(methods)
    )


BUILDERS = {"by_group": by_group_table, "before_after": before_after_table, "laboratory": laboratory_table}


def table_view(
    plan: Plan, table: PlannedTable, results: ResultSet, say: Wording, number: str, *, trust: Trust = EMPTY_TRUST
) -> TableView:
    """One table of the plan, ready but for the widths of its columns."""
    return BUILDERS[table.kind](TableSource(plan, results, say, table, trust), number)
