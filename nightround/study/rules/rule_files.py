"""Rule files: the rules a data manager writes, in REDCap's own logic."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from nightround.model.errors import StudyFilesWrong
from nightround.model.rule import OF_COHORT, Example, Rule, RuleKind, Severity
from nightround.study.rules.across import AlikeTable, CohortTable, CountTable, RuleModel, check_of, compared_columns
from nightround.study.rules.needed_fields import needed_fields
from nightround.study.rules.of_scores import rules_of_score
from nightround.study.rules.score_tables import ScoresTable
from nightround.study.settings import checked, read_toml
from nightround.study.study_model import wrong_value
from nightround.study.text_checks import FilledLine, Id, Line
from nightround.study.two_languages import TitleInTwoLanguages, TwoLanguages
from redcap_sync.errors import LogicError
from redcap_sync.logic import Expression, parse, references

ASKING = {
    "discrepancy": RuleKind.LOGIC,
    "unique": RuleKind.UNIQUE,
    "alike": RuleKind.ALIKE,
    "count": RuleKind.COUNT,
    "cohort": RuleKind.COHORT,
}
"""The ways to say what a rule looks for, and the kind of rule each makes."""


class ExampleTable(RuleModel):
    """`[[rule.examples]]`: a small row and what the rule says of it."""

    values: dict[str, str]
    """Columns and what they hold, as REDCap stores it; a column that is left out is blank."""
    verdict: Literal["passes", "fails", "skipped"]
    """What the rule says of the row: `skipped` where it does not apply or a needed value is missing."""


class RuleTable(RuleModel):
    """`[[rule]]`: one rule."""

    id: Id
    """The name of the rule in lists, mails and findings: letters, digits, `_` and `-`."""
    instrument: FilledLine
    """The instrument whose rows are looked at, and under which findings are shown."""
    title: TitleInTwoLanguages
    """What must be true, in one line of each language (`zh`, `en`); one language, or a plain string, is enough."""
    discrepancy: str = ""
    """REDCap logic that is true where the rule is broken."""
    unique: tuple[FilledLine, ...] = ()
    """In place of logic: fields whose values no two records share."""
    alike: AlikeTable | None = None
    """In place of logic: rows that say the same, or nearly."""
    count: CountTable | None = None
    """In place of logic: how many rows or events a record has."""
    cohort: CohortTable | None = None
    """In place of logic: what is true of all rows together, or of those of a data access group."""
    severity: Severity
    """How much a violation can hurt the results."""
    kind: Literal["query", "deviation"] = "query"
    """`deviation` for a protocol deviation, which nobody can undo: a dose, a window, a wrong order. Nobody is asked to
    correct it; it is assessed, counted apart, and listed in the report."""
    fields: tuple[FilledLine, ...] | None = None
    """The fields that are shown, the link leads to the first. Without it: every field that the logic reads.
    Lists name the other fields that the logic reads after them, because any of them may be the wrong one."""
    identifiers_by_name: bool = False
    """Whether `fields` may name a field that contains an identifier; what it holds is never shown."""
    applies: str = ""
    """REDCap logic that is true in the rows that the rule concerns. Without it: in all."""
    needs: tuple[FilledLine, ...] | None = None
    """Columns that must contain a value for a row to be checked. Without it: what the logic reads and does not ask to
    be
    blank. Columns that `unique` and `alike` compare are always needed."""
    events: tuple[FilledLine, ...] = ()
    """The events whose rows are looked at. Without it: every event that has the instrument."""
    owner: Line = "coordinator"
    """Who is notified of the findings: a role that a person of `study.toml` owns; of `cohort` only the data manager."""
    advice: TwoLanguages = TwoLanguages()
    """What is to be done about a finding."""
    problem: TwoLanguages = TwoLanguages()
    """What a finding is shown as. Without it: the title."""
    analyst: TwoLanguages = TwoLanguages()
    """What an analyst must know of the findings."""
    source: str = ""
    """Where the rule comes from: a protocol, a guideline, a publication."""
    examples: tuple[ExampleTable, ...] = ()
    """Small rows with the verdict of the rule on each, which are its tests. Only for a rule with a `discrepancy`."""
    was: FilledLine | tuple[FilledLine, ...] = ()
    """Ids that the rule had before it was renamed, or that of a rule which it takes the place of."""

    @property
    def earlier_ids(self) -> tuple[str, ...]:
        """The ids of `was`, be it one or several."""
        return (self.was,) if isinstance(self.was, str) else self.was

    @property
    def shown(self) -> tuple[str, ...] | None:
        """The fields that the rule says are shown; None where it says none."""
        return self.cohort.fields if self.cohort else self.fields

    @model_validator(mode="after")
    def _asks_one_question(self) -> Self:
        """A rule says in one way what it looks for, and what that way needs is there."""
        asked = [name for name in ASKING if getattr(self, name)]
        if len(asked) != 1:
            raise wrong_value("one_question", known=", ".join(ASKING))
        if self.alike is not None and not self.alike.columns:
            raise wrong_value("nothing_compared")
        if self.count is not None and not (self.count.instrument or self.count.events):
            raise wrong_value("nothing_counted")
        if self.count is not None and self.count.at_least > self.count.at_most:
            raise wrong_value("no_count_fits")
        if self.cohort and "owner" in self.model_fields_set and self.owner != OF_COHORT:
            raise wrong_value("of_data_manager", owner=OF_COHORT)
        if self.cohort and self.fields is not None:
            raise wrong_value("cohort_form", check=self.cohort.check, key="fields")
        if self.examples and not self.discrepancy:
            raise wrong_value("examples_of_logic")
        return self


def _rules_or_scores(given: Any, read: ValidationInfo) -> Any:
    """A file without rules needs scores that make some; a list that is empty is meant so."""
    if given is None and not read.data.get("scores"):
        raise wrong_value("missing")
    return () if given is None else given


class RuleFile(RuleModel):
    """A whole rule file."""

    scores: tuple[ScoresTable, ...] = ()
    """Scores of the library whose rules are made, each under `[[scores]]`. Their rules come before the others."""
    rule: Annotated[tuple[RuleTable, ...], BeforeValidator(_rules_or_scores)] = Field(
        default=None, validate_default=True
    )
    """The rules, each under `[[rule]]`."""


def read_rules(folder: Path, *, strict: bool = True) -> tuple[Rule, ...]:
    """Read every rule file of a study, in the order of file names; an id may stand only once. See `rule_of`."""
    rules = tuple(rule_of(table, path, strict=strict) for path, table in rule_tables(folder))
    require_own_ids(rules, folder)
    return rules


def require_own_ids(rules: Iterable[Rule], folder: Path) -> None:
    """Raise StudyFilesWrong where two rules have one id, or had it."""
    rules = tuple(rules)
    seen: set[str] = set()
    for rule in rules:
        if rule.id in seen:
            raise StudyFilesWrong("study.rule_twice", rule=rule.id, folder=str(folder))
        seen.add(rule.id)
    for rule in rules:
        for earlier in rule.was:
            if earlier in seen:
                raise StudyFilesWrong("study.was_taken", rule=rule.id, earlier=earlier, folder=str(folder))
            seen.add(earlier)


def rule_tables(folder: Path) -> tuple[tuple[Path, RuleTable], ...]:
    """Every rule of a folder as it is written, its logic not yet read, with the file it is in."""
    return tuple((path, table) for path in _rule_files(folder) for table in _tables(path))


def _rule_files(folder: Path) -> list[Path]:
    """The rule files of a folder in the order of their names; none where there is no folder."""
    try:
        files = [path for path in folder.iterdir() if path.name.endswith(".toml")]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise StudyFilesWrong("study_file.folder", folder=str(folder), error=type(error).__name__) from None
    return sorted(files)


def read_rule_file(path: Path) -> tuple[Rule, ...]:
    """Read the rules of one file, such as a draft."""
    return tuple(rule_of(table, path) for table in _tables(path))


def _tables(path: Path) -> tuple[RuleTable, ...]:
    read = checked(RuleFile, read_toml(path), file=path)
    made = (document for table in read.scores for document in rules_of_score(table))
    return (*(checked(RuleTable, document, file=path) for document in made), *read.rule)


def rule_of(table: RuleTable, path: Path, *, strict: bool = True) -> Rule:
    """Make the rule of a table.

    Raises StudyFilesWrong where its logic cannot be read. With `strict` off the rule is kept as it is
    written: a night judges the others, and says of this one that it could not be evaluated.
    """
    compared = compared_columns(table.unique, table.alike)
    try:
        if table.applies:
            parse_rule_logic(table.applies, place=f"{path.name}, rule {table.id}, applies")
        needs, read = _needed_and_read(table, path, compared)
    except StudyFilesWrong:
        if strict:
            raise
        needs, read = (), ()
    if table.needs is not None:
        needs = tuple(dict.fromkeys((*compared, *table.needs)))
    return Rule(
        id=table.id,
        title=table.title.words(),
        instrument=table.instrument,
        discrepancy=table.discrepancy,
        severity=table.severity,
        fields=read if table.shown is None else table.shown,
        applies=table.applies,
        needs=needs,
        events=table.events,
        owner=OF_COHORT if table.cohort else table.owner,
        advice=table.advice.words(),
        problem=table.problem.as_written(),
        analyst=table.analyst.words(),
        source=table.source,
        examples=tuple(Example(example.values, example.verdict) for example in table.examples),
        was=table.earlier_ids,
        identifiers_by_name=table.identifiers_by_name or bool(compared),
        involved=tuple(name for name in read if table.shown is not None and name not in table.shown),
        check=check_of(table.unique, table.alike, table.count, table.cohort),
        deviation=table.kind == "deviation",
        kind=next(kind for name, kind in ASKING.items() if getattr(table, name)),
    )


def _needed_and_read(
    table: RuleTable, path: Path, compared: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns that a rule needs, and the fields that it reads."""
    if table.cohort:
        return (), table.cohort.columns
    if not table.discrepancy:
        return compared, compared
    discrepancy = parse_rule_logic(table.discrepancy, place=f"{path.name}, rule {table.id}, discrepancy")
    fields = (reference.field for reference in references(discrepancy) if not reference.is_smart)
    return tuple(reference.column for reference in needed_fields(discrepancy)), tuple(dict.fromkeys(fields))


def parse_rule_logic(text: str, *, place: str) -> Expression:
    """Parse the logic of a rule; an error says in which file and rule it stands, with line and caret."""
    try:
        return parse(text)
    except LogicError as error:
        raise StudyFilesWrong(
            "study.logic", place=place, what=error.part("what"), pointer=error.pointer(), hint=error.part("why")
        ) from None
