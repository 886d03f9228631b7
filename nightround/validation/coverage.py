"""The coverage certificate: every known rule is accounted for, or the run is red."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from nightround.model.language import LANGUAGES, Language
from nightround.model.outcome import Coverage, Outcome, Status
from nightround.model.rule import Rule
from nightround.texts.catalogue import in_language


def certify(rules: Sequence[Rule], outcomes: Iterable[Outcome]) -> Coverage:
    """Count outcomes by status and name each rule that has none, or more than one."""
    outcomes = tuple(outcomes)
    seen = Counter(outcome.rule_id for outcome in outcomes)
    known = tuple(rule.id for rule in rules)
    counts = Counter(outcome.status for outcome in outcomes)
    return Coverage(
        known=known,
        counts={status: counts[status] for status in Status},
        unaccounted=tuple(
            sorted({rule_id for rule_id in {*known, *seen} if seen[rule_id] != 1 or rule_id not in known})
        ),
        reasons={outcome.rule_id: outcome.reason for outcome in outcomes if outcome.reason},
    )


def certificate(
    coverage: Coverage,
    outcomes: Iterable[Outcome],
    *,
    run_id: str,
    snapshot_id: str,
    languages: Sequence[Language] = LANGUAGES,
) -> dict[str, Any]:
    """The certificate as a JSON document, one line a rule, no patient in it; reasons in the languages given."""
    return {
        "complete": coverage.complete,
        "run": run_id,
        "snapshot": snapshot_id,
        "known": len(coverage.known),
        **{status.value: coverage.counts[status] for status in Status},
        "unaccounted": list(coverage.unaccounted),
        "rules": [
            {
                "id": outcome.rule_id,
                "status": outcome.status.value,
                "in_scope": outcome.in_scope,
                "checked": outcome.checked,
                "failed": outcome.failed,
                "reason": {
                    language: in_language(outcome.reason, language) if outcome.reason else "" for language in languages
                },
                **(
                    {"notes": [{one: note.in_(one) for one in languages} for note in outcome.notes]}
                    if outcome.notes
                    else {}
                ),
            }
            for outcome in sorted(outcomes, key=lambda outcome: outcome.rule_id)
        ],
    }
