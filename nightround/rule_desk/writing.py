"""Lint: whether a rule is written so that people can trust it and act on it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from nightround.model.language import Language, Words
from nightround.rule_desk.allowed import Allowed
from nightround.rule_desk.examples import lacks_examples, verdict
from nightround.rule_desk.linted import Linted
from nightround.rule_desk.reachable import allowed_columns, fits
from nightround.rule_desk.remarks import Remark, RemarkLevel, fix_by, nearest, why_of
from redcap_sync.messages import Message

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def lint_words(linted: Linted, languages: Collection[Language]) -> list[Remark]:
    """Title and advice, and what an analyst must know, are in the study's languages, and the source is named."""
    rule = linted.rule
    parts = {"title": rule.title, "advice": rule.advice}
    parts |= {name: words for name, words in {"problem": rule.problem, "analyst": rule.analyst}.items() if any(words)}
    found = [remark for name, words in parts.items() for remark in _in_each(linted, name, words, languages)]
    if not rule.source.strip():
        found.append(linted.remark(RemarkLevel.WARNING, "no_source"))
    return found


def _in_each(linted: Linted, name: str, words: Words, languages: Collection[Language]) -> Iterator[Remark]:
    if "zh" in languages and not CHINESE.search(words.zh):
        yield linted.remark(RemarkLevel.WARNING, "not_in_chinese", name=name, why=why_of(name))
    if "en" in languages and (not words.en.strip() or CHINESE.search(words.en)):
        yield linted.remark(RemarkLevel.WARNING, "not_in_english", name=name, why=why_of(name))


def lint_owner(linted: Linted, owners: Collection[str]) -> list[Remark]:
    """Somebody is notified of what the rule finds. `owners` are those that anybody of the study owns."""
    owner = linted.rule.owner
    if not owners or owner in owners:
        return []
    return [
        linted.remark(
            RemarkLevel.WARNING,
            "nobody_owns",
            owner=owner,
            fix=nearest(owner, owners, otherwise=fix_by("owners", names=", ".join(sorted(owners)))),
        )
    ]


def lint_examples(linted: Linted) -> list[Remark]:
    """There is an example of each kind, each gets its verdict, and contains only what REDCap could store."""
    rule = linted.rule
    found = []
    if lacks_examples(rule):
        kinds = {example.verdict for example in rule.examples}
        lacking = [kind for kind in ("passes", "fails") if kind not in kinds]
        which = lacking[0] if len(lacking) == 1 else "both"
        found.append(linted.remark(RemarkLevel.WARNING, "no_example", kinds=Message.of(f"lint_kinds.{which}")))
    allowed = allowed_columns(linted, limits=False)
    for example in rule.examples:
        shown = verdict(rule, example, linted.codes)
        if shown != example.verdict:
            said, right = (Message.of(f"lint_kinds.{one}") for one in (shown, example.verdict))
            values = str(dict(example.values))
            found.append(linted.remark(RemarkLevel.ERROR, "wrong_example", values=values, shown=said, verdict=right))
        for column, text in example.values.items():
            found += _value(linted, column, text, allowed)
    return list(dict.fromkeys(found))


def _value(linted: Linted, column: str, text: str, allowed: Mapping[str, Allowed]) -> Iterator[Remark]:
    if column not in allowed and column not in linted.rule.fields:
        yield linted.remark(
            RemarkLevel.WARNING,
            "example_unread",
            column=column,
            fix=nearest(column, allowed, otherwise=fix_by("reads", names=", ".join(allowed))),
        )
    elif not fits(allowed, column, text):
        yield linted.remark(RemarkLevel.WARNING, "example_impossible", column=column, value=text)
