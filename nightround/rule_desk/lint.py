"""`nightround rules lint`: what is wrong or doubtful about a study's rules, before there is any data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from nightround.model.errors import StudyFilesWrong
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.rule_desk.duplicates import lint_duplicates
from nightround.rule_desk.lint_comparisons import lint_comparisons
from nightround.rule_desk.linted import Linted
from nightround.rule_desk.reachable import Answer, reach_of
from nightround.rule_desk.reading import (
    lint_dry_run,
    lint_place,
    lint_references,
    lint_shown,
    lint_unread,
    without_records,
)
from nightround.rule_desk.remarks import Remark, RemarkLevel
from nightround.rule_desk.study_rules import project_dictionary
from nightround.rule_desk.writing import lint_examples, lint_owner, lint_words
from nightround.study.folder import PROJECT_RULES, project_rules
from nightround.study.rules.rule_files import parse_rule_logic, rule_of, rule_tables
from nightround.study.settings import StudySettings, checked, read_toml
from redcap_sync.dictionary import Dictionary


def lint_study(folder: Path) -> tuple[Remark, ...]:
    """Lint every rule of a study's folder and of its project; a rule whose logic cannot be read stops no other.

    Raises StudyFilesWrong where a file is no TOML or has a key that is not known.
    """
    settings_file = folder / "study.toml"
    settings = checked(StudySettings, read_toml(settings_file), file=settings_file)
    rules: list[Rule] = []
    broken: list[Remark] = []
    for path, table in rule_tables(folder / "rules"):
        try:
            rules.append(rule_of(table, path))
        except StudyFilesWrong as error:
            broken.append(Remark(RemarkLevel.ERROR, table.id, error.what, error.why, error.remedy))
    for rule in project_rules(folder):
        try:
            parse_rule_logic(rule.discrepancy, place=f"{PROJECT_RULES}, rule {rule.id}")
            rules.append(rule)
        except StudyFilesWrong as error:
            broken.append(Remark(RemarkLevel.ERROR, rule.id, error.what, error.why, error.remedy))
    owners = {owner for person in settings.people for owner in person.owns}
    return (*broken, *lint_rules(rules, project_dictionary(folder), owners=owners))


def lint_rules(rules: Iterable[Rule], dictionary: Dictionary, *, owners: Collection[str] = ()) -> tuple[Remark, ...]:
    """Lint rules against a dictionary, rule by rule, errors first. `owners` are the roles that somebody holds."""
    every = [Linted(rule, dictionary) for rule in rules]
    empty = without_records(dictionary)
    found = [remark for linted in every for remark in _one(linted, owners, empty)]
    found += [*lint_duplicates(every), *_same_ids(every)]
    place = {linted.rule.id: number for number, linted in reversed(list(enumerate(every)))}
    levels = list(RemarkLevel)
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (place[one.rule_id], levels.index(one.level))))


def _one(linted: Linted, owners: Collection[str], empty: Snapshot) -> Iterator[Remark]:
    found = lint_references(linted)
    if not linted.of_project:
        found = [*lint_place(linted), *found, *lint_shown(linted)]
    if not found:
        found = lint_dry_run(linted, empty)
    yield from found
    yield from lint_owner(linted, owners)
    if not linted.of_project:
        yield from lint_words(linted)
        yield from lint_unread(linted)
    if any(remark.level is RemarkLevel.ERROR for remark in found):
        # What the project does not have can be held against nothing.
        return
    yield from lint_comparisons(linted)
    if not linted.of_project:
        yield from lint_examples(linted)
    yield from _reach(linted)


def _same_ids(every: Iterable[Linted]) -> Iterator[Remark]:
    counted = Counter(linted.rule.id for linted in every)
    for rule_id, count in counted.items():
        if count > 1:
            yield Remark(
                RemarkLevel.ERROR,
                rule_id,
                f"{count} rules have the id {rule_id!r}.",
                "a rule was copied and its id was not changed",
                "give each rule an id of its own",
            )


REACHES = {
    "judges": ("It can never judge a row", "what it applies to does not occur"),
    "asks": ("It can never ask", "its logic is false for every row it judges, so it passes whatever is entered"),
    "is_content": ("It can never be content", "its logic is true for every row it judges, so it asks about each"),
}


def _reach(linted: Linted) -> Iterator[Remark]:
    """What the rule can never come to: by the dictionary's codes and events, or by its soft limits alone."""
    within = reach_of(linted)
    if "never" not in (within.judges, within.asks, within.is_content):
        yield from _undecided(linted, within.asks, within.is_content)
        return
    anywhere = reach_of(linted, limits=False)
    for name, (what, why) in REACHES.items():
        if getattr(within, name) == "never":
            by_limits = getattr(anywhere, name) != "never"
            hard = name != "is_content" and not by_limits
            yield linted.remark(
                RemarkLevel.ERROR if hard else RemarkLevel.WARNING,
                f"{what} with values that the dictionary allows.",
                f"{why}; only a value outside a field's minimum and maximum would change that" if by_limits else why,
                "hold the logic against codes, events and limits in the Codebook",
            )
        if getattr(within, name) == "never" and name == "judges":
            return


def _undecided(linted: Linted, *answers: Answer) -> Iterator[Remark]:
    for answer, what in zip(answers, ("ask", "be content"), strict=True):
        if answer == "cannot tell":
            yield linted.remark(
                RemarkLevel.NOTE,
                f"It could not be told whether the rule can ever {what}.",
                "too many combinations of values to try, and none that was tried shows it",
                "add an example that shows it",
            )
