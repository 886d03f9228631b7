"""The rules of a study as JSON: what each says, and the suites that Great Expectations reads."""

from __future__ import annotations

from typing import Any

from nightround.model.errors import StudyFilesWrong
from nightround.rule_desk.study_rules import all_rules
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.study.folder import Study
from nightround.validation.suite import compile_suites


def rules_document(study: Study, snapshots: SnapshotStore | None = None) -> dict[str, Any]:
    """Every rule as JSON, in the order they are judged."""
    rules, _ = all_rules(study, snapshots)
    return {
        "study": study.id,
        "rules": [
            {
                "id": rule.id,
                "kind": rule.kind.value,
                "origin": rule.origin,
                "severity": rule.severity.value,
                "owner": rule.owner,
                "instrument": rule.instrument,
                "events": list(rule.events),
                "title": rule.title._asdict(),
                "problem": rule.problem._asdict(),
                "logic": rule.discrepancy,
                "applies": rule.applies,
                "needs": list(rule.needs),
                "source": rule.source,
            }
            for rule in rules
        ],
    }


def suites_document(study: Study, snapshots: SnapshotStore | None = None) -> list[dict[str, Any]]:
    """Every suite in Great Expectations' own JSON; a rule that cannot be compiled is an error."""
    rules, dictionary = all_rules(study, snapshots)
    suites, refused = compile_suites(rules, dictionary)
    if refused:
        rule_id, reason = next(iter(refused.items()))
        raise StudyFilesWrong("rules.no_suite", count=len(refused), rule=rule_id, reason=reason)
    return [suite.to_json() for suite in suites]
