"""The catalogue: a page for each rule of a study, made from its rule files and its dictionary.

It is one Markdown document, in Chinese and English side by side, and the same files give the same bytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from nightround.model.language import LANGUAGES, Words
from nightround.model.rule import Example, Rule
from nightround.rule_desk.across_words import words_of_check
from nightround.rule_desk.linted import Linted
from nightround.rule_desk.study_rules import all_rules
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.study.folder import Study
from nightround.texts.catalogue import words
from redcap_sync.dictionary import Dictionary
from redcap_sync.logic import Expression, Reference, in_words

COMMAND = "```sh\nnightround rules {study} --catalogue > expectations/{study}/README.md\n```"


def catalogue(study: Study, snapshots: SnapshotStore | None = None) -> str:
    """The catalogue of a study as Markdown."""
    rules, dictionary = all_rules(study, snapshots)
    own = [rule for rule in rules if rule.origin == "study"]
    title = study.settings.study.title.words()
    parts = [
        f"# {title.zh}",
        title.en,
        *_introduction(study.id),
        f"## {_text('index')}",
        _table(_heads("rule", "severity", "content"), (_index_row(rule) for rule in own)),
        *(part for rule in own for part in _page(Linted(rule, dictionary))),
        *_of_project([rule for rule in rules if rule.origin == "redcap"]),
        f"## {_text('of_dictionary')}",
        _text("of_dictionary_text"),
        _table(
            _heads("rule", "count", "fields_or_instruments"),
            _of_dictionary(rule for rule in rules if rule.origin == "dictionary"),
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _introduction(study: str) -> Iterator[str]:
    yield _paragraphs("generated")
    yield COMMAND.format(study=study)
    yield _paragraphs("logic_is_true", "checked_rows")


def _paragraphs(*codes: str) -> str:
    """Some sentences as a paragraph in each language."""
    said = [words(f"catalogue.{code}") for code in codes]
    return "\n\n".join("\n".join(one.in_(language) for one in said) for language in LANGUAGES)


def _index_row(rule: Rule) -> tuple[str, ...]:
    return f"[{rule.id}](#{rule.id.lower()})", _both(words(f"severity.{rule.severity}")), _two_lines(rule.title)


def _page(linted: Linted) -> Iterator[str]:
    rule = linted.rule
    yield f"## {rule.id}"
    yield f"**{rule.title.zh}**  \n**{rule.title.en}**"
    yield _table(("", ""), _facts(linted))
    yield from _asked(linted)
    if rule.applies:
        yield _said("applies", _worded(linted.applies, linted.dictionary))
        yield _code(rule.applies)
    yield _said("advice", rule.advice)
    if any(rule.problem):
        yield _said("shown_as", rule.problem)
    if any(rule.analyst):
        yield _said("analyst", rule.analyst)
    if not rule.check:
        yield f"**{_text('examples')}**"
        yield _table(_heads("verdict", "values"), (_example_row(example) for example in rule.examples))


def _asked(linted: Linted) -> Iterator[str]:
    """When the rule flags a row: by its logic, or by what it compares or counts."""
    if linted.rule.check:
        yield _said("flags_when", words_of_check(linted.rule.check, linted.dictionary))
    else:
        yield _said("flags_when", _worded(linted.discrepancy, linted.dictionary))
        yield _code(linted.rule.discrepancy)


def _facts(linted: Linted) -> Iterator[tuple[str, str]]:
    rule, dictionary = linted.rule, linted.dictionary
    labels = {one.name: one.label for one in dictionary.instruments}
    events = {event.unique_name: event.in_both for event in dictionary.events}
    yield _text("severity"), _both(words(f"severity.{rule.severity}"))
    yield _text("owner"), f"`{rule.owner}`"
    yield _text("instrument"), f"{_cell(labels[rule.instrument])} (`{rule.instrument}`)"
    if dictionary.longitudinal:
        yield _text("events"), ", ".join(f"{_cell(events[event])} (`{event}`)" for event in linted.events)
    yield _text("needed"), _named(linted.needed, dictionary) or f"— {_text('every_row')}"
    yield _text("shown_fields"), _named((Reference(name) for name in rule.fields), dictionary)
    yield _text("source"), _cell(rule.source)


def _named(columns: Iterable[Reference], dictionary: Dictionary) -> str:
    """Columns by their label in both languages, said once where it is one text, and their names."""
    return "<br>".join(_name(reference, dictionary) for reference in columns)


def _name(reference: Reference, dictionary: Dictionary) -> str:
    said = dict.fromkeys(in_words(reference, dictionary, language) for language in LANGUAGES)
    return f"{_cell(' '.join(said))} (`{reference.column}`)"


def _worded(node: Expression, dictionary: Dictionary) -> Words:
    return Words(*(in_words(node, dictionary, language) for language in LANGUAGES))


def _said(heading: str, said: Words) -> str:
    return f"**{_text(heading)}**\n\n- {said.zh}\n- {said.en}"


def _code(logic: str) -> str:
    return f"```text\n{logic.strip()}\n```"


def _example_row(example: Example) -> tuple[str, str]:
    cells = ", ".join(f"`{column}` = {_cell(text) or '∅'}" for column, text in example.values.items())
    return _both(words(f"verdict.{example.verdict}")), cells


def _of_project(rules: Sequence[Rule]) -> Iterator[str]:
    """REDCap's own custom rules, which have a name and logic alone; nothing where there are none."""
    if rules:
        yield f"## {_text('of_project')}"
        yield _text("of_project_text")
        rows = ((rule.id, _cell(rule.title.en), _code_cell(rule.discrepancy)) for rule in rules)
        yield _table(_heads("rule", "name", "logic"), rows)


def _code_cell(logic: str) -> str:
    """Logic in one line; only a bar could break out of its cell."""
    bar = "\\|"
    return f"`{' '.join(logic.split()).replace('|', bar)}`"


def _of_dictionary(rules: Iterable[Rule]) -> Iterator[tuple[str, ...]]:
    kinds: dict[str, list[str]] = defaultdict(list)
    for rule in rules:
        kinds[rule.kind].append(f"`{rule.place.name}`")
    yield from ((f"`{kind}`", str(len(names)), ", ".join(names)) for kind, names in kinds.items())


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(code: str) -> str:
    """A text of the page, in both languages in one line."""
    return _both(words(f"catalogue.{code}"))


def _heads(*codes: str) -> tuple[str, ...]:
    return tuple(_text(code) for code in codes)


def _both(said: Words) -> str:
    return f"{said.zh} {said.en}"


def _two_lines(said: Words) -> str:
    return f"{_cell(said.zh)}<br>{_cell(said.en)}"


def _cell(text: str) -> str:
    """A text that cannot break out of a cell."""
    return text.replace("|", "\\|").replace("<", "&lt;")
