"""The result of a run in the form of Great Expectations' own Checkpoint, made without importing Great Expectations."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

from nightround.validation.judged_rules import JudgedRule

REPEATS, JUDGED_IN = "repeats_run", "judged_in_run"


def checkpoint_document(
    judged: Sequence[JudgedRule], run: str, earlier: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """The result of a Checkpoint over all suites of a run, in the form that GX's `CheckpointResult.describe` has.

    It is put together from what was judged: `Checkpoint.run` would judge and store everything a second time, in
    twice the time. `tests/integration/test_gx_contract.py` compares it with a real one. A verdict that an earlier run
    came to names that run. `earlier` are the documents of earlier runs, the newest first: where the newest one that
    lists its verdicts has the same, this one names its run in place of them.
    """
    suites = [_suite(name, rules, run) for name, rules in _by_suite(judged)]
    if not suites:
        return {}
    successful = sum(one["success"] for one in suites)
    document = {
        "great_expectations_version": version("great-expectations"),
        "success": successful == len(suites),
        "statistics": {
            "evaluated_validations": len(suites),
            "success_percent": successful / len(suites) * 100,
            "successful_validations": successful,
            "unsuccessful_validations": len(suites) - successful,
        },
    }
    full = {**document, "validation_results": suites}
    for number, before in (earlier or {}).items():
        if "validation_results" in before:
            return {**document, REPEATS: number} if _verdicts(before) == _verdicts(full) else full
    return full


def _by_suite(judged: Iterable[JudgedRule]) -> list[tuple[str, list[JudgedRule]]]:
    grouped: dict[str, list[JudgedRule]] = defaultdict(list)
    for one in judged:
        grouped[one.suite].append(one)
    return sorted(grouped.items())


def _suite(name: str, rules: Sequence[JudgedRule], run: str) -> dict[str, Any]:
    """What GX's `describe_dict` says of a suite's result; the suite's name, which GX leaves out, is added."""
    successful = sum(one.verdict["success"] for one in rules)
    return {
        "suite_name": name,
        "success": successful == len(rules),
        "statistics": {
            "evaluated_expectations": len(rules),
            "successful_expectations": successful,
            "unsuccessful_expectations": len(rules) - successful,
            "success_percent": successful / len(rules) * 100,
        },
        "expectations": [one.verdict if one.run == run else {**one.verdict, JUDGED_IN: one.run} for one in rules],
        "result_url": None,
    }


def _verdicts(document: Mapping[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """The verdicts of a document without what names a run."""
    suites = document["validation_results"]
    return [(suite["suite_name"], [_plain(one) for one in suite["expectations"]]) for suite in suites]


def _plain(verdict: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in verdict.items() if name != JUDGED_IN}
