"""Lint: whether a rule is written so that people can trust it and act on it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from nightround.model.language import Words
from nightround.rule_desk.allowed import Allowed
from nightround.rule_desk.examples import lacks_examples, verdict
from nightround.rule_desk.linted import Linted
from nightround.rule_desk.reachable import allowed_columns, fits
from nightround.rule_desk.remarks import Remark, RemarkLevel, nearest

CHINESE = re.compile(r"[\u4e00-\u9fff]")
READERS = {
    "title": "a finding is told by it",
    "problem": "a finding is shown as it",
    "advice": "it is what a coordinator acts on",
    "analyst": "it explains",
}


def lint_words(linted: Linted) -> list[Remark]:
    """Title and advice, and what an analyst must know, stand in both languages, and the source is named."""
    rule = linted.rule
    parts = {"title": rule.title, "advice": rule.advice}
    parts |= {name: words for name, words in {"problem": rule.problem, "analyst": rule.analyst}.items() if any(words)}
    found = [remark for name, words in parts.items() for remark in _both_languages(linted, name, words)]
    if not rule.source.strip():
        what, fix = "It names no source.", "say where the rule comes from: the protocol, a guideline, a definition"
        found.append(linted.remark(RemarkLevel.WARNING, what, "nobody can tell later whether it still holds", fix))
    return found


def _both_languages(linted: Linted, name: str, words: Words) -> Iterator[Remark]:
    missing = []
    if not CHINESE.search(words.zh):
        missing.append("Chinese")
    if not words.en.strip() or CHINESE.search(words.en):
        missing.append("English")
    for language in missing:
        yield linted.remark(
            RemarkLevel.WARNING,
            f"Its {name} is not in {language}.",
            f"{READERS[name]}, in the reader's own language",
            f"write {name}.{'zh' if language == 'Chinese' else 'en'}",
        )


def lint_owner(linted: Linted, owners: Collection[str]) -> list[Remark]:
    """Somebody is told of what the rule finds. `owners` are those that anybody of the study owns."""
    owner = linted.rule.owner
    if not owners or owner in owners:
        return []
    return [
        linted.remark(
            RemarkLevel.WARNING,
            f"Nobody of the study owns {owner!r}.",
            "its findings stand in the list, and no mail tells anyone of them",
            nearest(owner, owners, otherwise=f"owners are: {', '.join(sorted(owners))}; or add one to study.toml"),
        )
    ]


def lint_examples(linted: Linted) -> list[Remark]:
    """There is an example of each kind, each gets its verdict, and holds only what REDCap could store."""
    rule = linted.rule
    found = []
    if lacks_examples(rule):
        kinds = {example.verdict for example in rule.examples}
        lacking = " and ".join(kind for kind in ("passes", "fails") if kind not in kinds)
        what, fix = f"It has no example that {lacking}.", "add a [[rule.examples]] for each"
        found.append(linted.remark(RemarkLevel.WARNING, what, "nothing shows that it does what its title says", fix))
    allowed = allowed_columns(linted, limits=False)
    for example in rule.examples:
        shown = verdict(rule, example)
        if shown != example.verdict:
            what = f"The example {dict(example.values)} {shown}, not {example.verdict}."
            fix = "mend the example, or the logic"
            found.append(linted.remark(RemarkLevel.ERROR, what, "the rule does not do what its example says", fix))
        for column, text in example.values.items():
            found += _value(linted, column, text, allowed)
    return list(dict.fromkeys(found))


def _value(linted: Linted, column: str, text: str, allowed: Mapping[str, Allowed]) -> Iterator[Remark]:
    if column not in allowed and column not in linted.rule.fields:
        yield linted.remark(
            RemarkLevel.WARNING,
            f"An example gives {column}, which the rule does not read.",
            "the example shows less than it seems to",
            nearest(column, allowed, otherwise=f"it reads: {', '.join(allowed)}"),
        )
    elif not fits(allowed, column, text):
        yield linted.remark(
            RemarkLevel.WARNING,
            f"An example gives {column} the value {text!r}, which REDCap does not take.",
            "the example shows nothing about the data there can be",
            "give it a value of the dictionary",
        )
