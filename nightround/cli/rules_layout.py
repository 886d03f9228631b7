"""What `nightround rules` prints for a reader: the list of rules, their examples, the lint, a back-test."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from nightround.cli.printing import (
    console,
    head,
    in_words,
    language,
    number,
    padded,
    print_table,
    say,
    say_in,
    text,
    value,
    words,
    wrapped,
)
from nightround.findings.rule_yield import RuleYield
from nightround.model.language import Language
from nightround.model.rule import Rule
from nightround.rule_desk.backtest import Backtest
from nightround.rule_desk.examples import ExamplesRun
from nightround.rule_desk.remarks import Remark, counted
from nightround.rule_desk.study_rules import all_rules
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.study.folder import Study
from nightround.texts.catalogue import in_language, wording
from redcap_sync.dictionary import Dictionary
from redcap_sync.messages import Message

INDENT = "  "
NAME_WIDTH = 9
"""Places of the name of a state."""


def print_rules(study: Study, snapshots: SnapshotStore) -> None:
    """List the study's own rules by instrument, each with its severity and title; below, those of the dictionary."""
    rules, dictionary = all_rules(study, snapshots)
    width = console().width
    for name, label in _instruments(dictionary, rules):
        here = [rule for rule in rules if rule.instrument == name]
        say_in("bold", f"{name}  {label}".strip())
        _print_own([rule for rule in here if rule.origin != "dictionary"])
        for line in _of_dictionary(rule for rule in here if rule.origin == "dictionary"):
            for part in wrapped(line, width - len(INDENT)):
                say_in("dim", INDENT + part)
    say(text("terminal.rules.counted", count=len(rules), origins=_origins(Counter(str(one.origin) for one in rules))))


def _origins(counts: Mapping[str, int]) -> str:
    """`59 of the study, 185 of its dictionary`, and those of the project where it has any."""
    origins = ("study", "redcap", "dictionary")
    return wording(language()).listed(
        text(f"terminal.rules.of_{one}", count=counts[one]) for one in origins if counts[one]
    )


def _instruments(dictionary: Dictionary, rules: Iterable[Rule]) -> Iterator[tuple[str, str]]:
    """Instruments that have a rule, in their order, and what rules name that the project does not have."""
    labels = {one.name: one.label for one in dictionary.instruments}
    named = {rule.instrument for rule in rules}
    yield from ((name, label) for name, label in labels.items() if name in named)
    yield from ((name, "" if name else text("terminal.rules.of_project")) for name in sorted(named - set(labels)))


def _print_own(rules: Sequence[Rule]) -> None:
    rows = [
        (f"{INDENT}{rule.id}", value("severity", rule.severity), "\n".join(dict.fromkeys(rule.title))) for rule in rules
    ]
    if rows:
        print_table(("", "", words("")), rows, heads=False)


def _of_dictionary(rules: Iterable[Rule]) -> Iterator[str]:
    """One line a kind: `required: age, sex`."""
    kinds: dict[str, list[str]] = defaultdict(list)
    for rule in rules:
        kinds[rule.kind].append(rule.place.name)
    yield from (f"{kind}: {', '.join(names)}" for kind, names in kinds.items())


def print_examples(run: ExamplesRun) -> None:
    """Say which examples are wrong, which rules lack some, and how many are right."""
    for line in run.wrong:
        say(line)
    for rule_id in run.bare:
        say(text("terminal.rules.bare", rule=rule_id))
    right = run.count - len(run.wrong)
    say(text("terminal.rules.examples", right=right, wrong=len(run.wrong), bare=len(run.bare)))


def print_remarks(remarks: Sequence[Remark], language: Language) -> None:
    """One remark after another, and a count of each level."""
    for remark in remarks:
        say(remark.said(language))
    found = {f"{level}s": count for level, count in counted(remarks).items()}
    say(in_language(Message.of("lint.counted", **found), language))


def print_backtest(one: Backtest) -> None:
    """What a rule would have asked, night by night, and what became of the rows."""
    rows = [
        (
            night.taken_at[:16],
            value("outcome", night.status),
            *map(str, (night.in_scope, night.checked, night.asked, night.new)),
        )
        for night in one.nights
    ]
    counts = map(number, map(head, ("in_scope", "checked", "asked", "new_rows")))
    print_table((head("night"), words(head("status")), *counts), rows, title=one.rule_id)
    for reason in dict.fromkeys(night.reason for night in one.nights if night.reason):
        say(in_words(reason))
    say(text("terminal.backtest.nights", asked=one.nights_asked, nights=len(one.nights)))
    say(text("terminal.backtest.rows", count=one.rows_asked))
    say(text("terminal.backtest.changed", count=one.later_changed, silent=one.changed_and_silent))
    say(text("terminal.backtest.unchanged", count=one.unchanged_and_asked))
    say(text("terminal.backtest.gone", count=one.gone))


def print_answers(counts: Mapping[str, object]) -> None:
    """Print how many findings of a rule are in each state, and how many answers are to another logic."""
    for name in ("open", "answered", "waived", "snoozed"):
        say(f"{padded(value('state', name), NAME_WIDTH)} {counts[name]}")
    say(text("terminal.rules.affected", count=counts["affected"]))


def print_yields(yields: Iterable[RuleYield]) -> None:
    """Print what came of the questions of each rule, and what that says of the rule."""
    names = ("asked", "answered", "changed", "unchanged", "confirmed", "ignored", "days")
    rows = [
        (
            one.rule_id,
            *map(str, (one.asked, one.answered, one.changed, one.unchanged, one.confirmed, one.ignored)),
            "" if one.days_to_answer is None else f"{one.days_to_answer:g}",
            value("advice", one.advice),
        )
        for one in yields
    ]
    print_table((words(head("rule")), *map(number, map(head, names)), head("advice")), rows)
