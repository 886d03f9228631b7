"""Scores that a dictionary seems to have, as rules that a twin keeps: totals add up and grades follow from them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from nightround.model.rule import Rule
from nightround.scores.recognition import RecognisedScore, recognised_scores
from nightround.study.rules.of_scores import rules_of_score
from nightround.study.rules.rule_files import RuleTable, rule_of
from nightround.study.rules.score_tables import ScoresTable
from redcap_sync.dictionary import Dictionary
from redcap_sync.errors import LogicError
from redcap_sync.logic.calculated_fields import calculation_of

MADE = Path("metadata.csv")


def score_rules(dictionary: Dictionary) -> tuple[Rule, ...]:
    """The rules of every score whose items are all there, in the first of its variants that the fields allow.

    A total that REDCap calculates follows its own formula, so that there is nothing to keep.
    """
    return tuple(
        rule_of(RuleTable.model_validate(document), MADE)
        for number, one in enumerate(recognised_scores(dictionary))
        if not one.missing
        for document in _documents(dictionary, one, f"score_{number}")
    )


def _documents(dictionary: Dictionary, one: RecognisedScore, name: str) -> Iterator[dict[str, object]]:
    table = ScoresTable(
        name=one.name,
        variant=one.variants[0],
        id=name,
        instrument=one.instrument,
        items=dict(one.items),
        total=one.total,
        grade=one.grade,
        units=dict(one.units),
        values={item: dict(codes) for item, codes in one.values.items()},
        grades=dict(one.grades),
    )
    calculated = {target for target in (one.total, one.grade) if target and _is_calculated(dictionary, target)}
    for document in rules_of_score(table):
        if not calculated & set(document["fields"]):
            yield document


def _is_calculated(dictionary: Dictionary, name: str) -> bool:
    try:
        return calculation_of(dictionary.by_name[name]) is not None
    except LogicError:
        return True
