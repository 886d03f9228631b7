"""`nightround rules lint`: what is wrong or doubtful about a study's rules, before there is any data."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from nightround.model.errors import StudyFilesWrong
from nightround.model.language import LANGUAGES, Language
from nightround.model.rule import Rule
from nightround.model.snapshot import Snapshot
from nightround.rule_desk.duplicates import lint_duplicates
from nightround.rule_desk.lint_across import lint_across, lint_alpha
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
from nightround.rule_desk.remarks import Remark, RemarkLevel, why_of
from nightround.rule_desk.study_rules import newest_dictionary, project_dictionary
from nightround.rule_desk.writing import lint_examples, lint_owner, lint_words
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.study.folder import PROJECT_RULES, project_rules
from nightround.study.rules.rule_files import parse_rule_logic, rule_of, rule_tables
from nightround.study.settings import StudySettings, checked, read_toml
from redcap_sync.dictionary import Dictionary


def lint_study(folder: Path, snapshots: SnapshotStore | None = None) -> tuple[Remark, ...]:
    """Lint every rule of a study's folder and of its project; a rule whose logic cannot be read stops no other.

    It is compared with the structure of the last snapshot, where there is one, else with the dictionary of the folder.
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
            broken.append(Remark.of_error(table.id, error))
    for rule in project_rules(folder):
        try:
            parse_rule_logic(rule.discrepancy, place=f"{PROJECT_RULES}, rule {rule.title.en}")
            rules.append(rule)
        except StudyFilesWrong as error:
            broken.append(Remark.of_error(rule.id, error))
    owners = {owner for person in settings.people for owner in person.owns}
    dictionary = newest_dictionary(folder, snapshots) if snapshots else project_dictionary(folder)
    return (*broken, *lint_rules(rules, dictionary, owners=owners, languages=settings.study.languages))


def lint_rules(
    rules: Iterable[Rule],
    dictionary: Dictionary,
    *,
    owners: Collection[str] = (),
    languages: Collection[Language] = LANGUAGES,
) -> tuple[Remark, ...]:
    """Lint rules against a dictionary, rule by rule, errors first.

    `owners` are the roles that somebody has, `languages` those that the rules are written in.
    """
    every = [Linted(rule, dictionary) for rule in rules]
    empty = without_records(dictionary)
    found = [remark for linted in every for remark in _one(linted, owners, languages, empty)]
    found += [*lint_duplicates(one for one in every if not one.rule.check), *_same_ids(every), *lint_alpha(every)]
    place = {linted.rule.id: number for number, linted in reversed(list(enumerate(every)))}
    levels = list(RemarkLevel)
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (place[one.rule_id], levels.index(one.level))))


def _one(linted: Linted, owners: Collection[str], languages: Collection[Language], empty: Snapshot) -> Iterator[Remark]:
    found = lint_references(linted)
    if not linted.of_project:
        found = [*lint_place(linted), *found, *lint_shown(linted)]
    if not found:
        found = lint_dry_run(linted, empty)
    yield from found
    yield from lint_owner(linted, owners)
    if not linted.of_project:
        yield from lint_words(linted, languages)
        yield from lint_unread(linted)
    if any(remark.level is RemarkLevel.ERROR for remark in found):
        # What the project does not have can be compared with nothing.
        return
    if linted.rule.check:
        yield from lint_across(linted)
        return
    yield from lint_comparisons(linted)
    if not linted.of_project:
        yield from lint_examples(linted)
    yield from _reach(linted)


def _same_ids(every: Iterable[Linted]) -> Iterator[Remark]:
    counted = Counter(linted.rule.id for linted in every)
    for rule_id, count in counted.items():
        if count > 1:
            yield Remark.of(RemarkLevel.ERROR, rule_id, "same_id", count=count, rule_id=rule_id)


REACHES = {"judges": "never_judges", "asks": "never_asks", "is_content": "never_content"}


def _reach(linted: Linted) -> Iterator[Remark]:
    """What the rule can never come to: by the dictionary's codes and events, or by its soft limits alone."""
    within = reach_of(linted)
    if "never" not in (within.judges, within.asks, within.is_content):
        yield from _undecided(linted, within.asks, within.is_content)
        return
    anywhere = reach_of(linted, limits=False)
    for name, code in REACHES.items():
        if getattr(within, name) == "never":
            by_limits = getattr(anywhere, name) != "never"
            hard = name != "is_content" and not by_limits
            why = why_of("by_limits", why=why_of(name)) if by_limits else why_of(name)
            yield linted.remark(RemarkLevel.ERROR if hard else RemarkLevel.WARNING, code, why=why)
        if getattr(within, name) == "never" and name == "judges":
            return


def _undecided(linted: Linted, *answers: Answer) -> Iterator[Remark]:
    for answer, code in zip(answers, ("undecided_asks", "undecided_content"), strict=True):
        if answer == "cannot tell":
            yield linted.remark(RemarkLevel.NOTE, code)
