"""Suggests the rules of scores that the library knows and a dictionary has, item for item."""

from __future__ import annotations

from collections.abc import Iterator

from nightround.rule_desk.suggest.suggestion import Suggestion
from nightround.scores.library import score
from nightround.scores.recognition import RecognisedScore, recognised_scores
from nightround.study.first_folder.toml_text import Value
from redcap_sync.dictionary import Dictionary
from redcap_sync.messages import Message


def suggested_scores(dictionary: Dictionary) -> Iterator[Suggestion]:
    """A total that is to be the sum of its items, or a value that follows from its parts.

    Only a score whose every item was found, whose instrument names it, and of which one variant fits, or several that
    make the same rules: which of several others a study uses no dictionary says.
    """
    for one in recognised_scores(dictionary):
        if one.certain and one.total and not _is_calculated(one, dictionary):
            made = [_suggestion(one, variant) for variant in one.variants]
            if len({tuple(rule.discrepancy for rule in each.rules) for each in made}) == 1:
                yield made[0]


def _suggestion(one: RecognisedScore, variant: str) -> Suggestion:
    return Suggestion(
        id=_id(one),
        kind="score",
        reason=Message.of("suggest.score.reason", score=one.name, total=one.total),
        evidence=Message.of("suggest.score.evidence", count=len(one.items), fields=", ".join(one.items.values())),
        head="[[scores]]",
        keys=_keys(one, variant),
    )


def _is_calculated(one: RecognisedScore, dictionary: Dictionary) -> bool:
    """Whether REDCap works the total out itself, so that nobody can type a wrong one."""
    return dictionary.by_name[one.total].type == "calc"


def _id(one: RecognisedScore) -> str:
    return f"{one.name}-{one.instrument}".replace("_", "-").upper()[:40]


def _keys(one: RecognisedScore, variant: str) -> dict[str, Value]:
    chosen = score(one.name, variant)
    known = {item.key for item in chosen.items}
    keys: dict[str, Value] = {
        "name": one.name,
        "variant": variant,
        "id": _id(one),
        "instrument": one.instrument,
        "items": {key: field for key, field in one.items.items() if key in known},
        "total": one.total,
    }
    more: dict[str, Value] = {"grade": one.grade, "units": dict(one.units)}
    more["values"] = {item: dict(codes) for item, codes in one.values.items()}
    return keys | {key: value for key, value in more.items() if value}
