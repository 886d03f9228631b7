"""The one module that imports Great Expectations.

One thin expectation per rule, and one shared metric that evaluates all rules of a batch at once:
an expectation per check with metrics of its own is 100 to 400 times slower than plain masks.
The order this relies on (every expectation names its dependencies, then metrics are resolved, then
every expectation is judged) is undocumented; `tests/integration/test_gx_contract.py` holds GX to it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

# Asked for before the import, for releases that still had telemetry; 1.24.1 has none.
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

import great_expectations as gx
import numpy as np
import numpy.typing as npt
import pandas as pd
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.execution_engine import pandas_execution_engine
from great_expectations.execution_engine.execution_engine import ExecutionEngine
from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validator import ValidationDependencies

from nightround.validation.batch import CONTEXT, Batch, Context
from nightround.validation.checks import Rows, Verdict, run_check
from nightround.validation.stored import Mask, StoredTexts
from nightround.validation.suite import Suite
from redcap_sync.errors import LogicError
from redcap_sync.logic import Column, Evaluator, from_json

Engine = ExecutionEngine[Any]

METRIC = "redcap.rule_failures"
SHOWN_POSITIONS = 20

# GX's import turns every warning of the process into a log line; warnings stay warnings here.
logging.captureWarnings(False)

# GX hashes every frame below this size; nearly half of a run's time for a fingerprint nobody reads.
pandas_execution_engine.HASH_THRESHOLD = 0


class JudgeBroke(RuntimeError):
    """Great Expectations did not do what the adapter relies on: a bug, never a finding."""


@dataclass(frozen=True, eq=False)
class RuleResult:
    """What one rule came to on one batch: masks over the frame's rows, and the positions that failed."""

    scope: Mask = field(default_factory=lambda: np.empty(0, dtype=bool))
    judged: Mask = field(default_factory=lambda: np.empty(0, dtype=bool))
    failing: npt.NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    error: str = ""
    suggested: Mapping[int, str] = field(default_factory=dict, repr=False)
    """What a failing row probably should hold, by its position; never part of GX's own results."""


class RuleBook:
    """The rules that have asked to be evaluated on one engine, and their results once they were."""

    _open: ClassVar[WeakKeyDictionary[Engine, RuleBook]] = WeakKeyDictionary()

    def __init__(self) -> None:
        self.logic: dict[str, dict[str, Any]] = {}
        self.results: dict[str, RuleResult] = {}

    @classmethod
    def close(cls, engine: Engine) -> RuleBook:
        """Take the book of an engine away, so that nothing of a run outlives it."""
        return cls._open.pop(engine, cls())

    @classmethod
    def of(cls, engine: Engine) -> RuleBook:
        """The book of an engine; a new engine starts an empty one."""
        return cls._open.setdefault(engine, cls())


class RuleFailures(TableMetricProvider):
    """All rules of a batch in one evaluation, so that masks and conversions are made once."""

    metric_name = METRIC
    value_keys = ()

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls,  # noqa: N805 - GX binds the class
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],  # noqa: ARG002 - GX's signature
        metrics: dict[str, Any],  # noqa: ARG002
        runtime_configuration: dict[str, Any],  # noqa: ARG002
    ) -> dict[str, RuleResult]:
        frame, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE)
        book = RuleBook.of(execution_engine)
        book.results = evaluate_rules(frame, book.logic)
        return book.results


class ExpectRedcapRule(BatchExpectation):
    """Expect a rule written in REDCap's logic to hold on every row it applies to.

    `logic` holds the rule's syntax trees and scope, as `nightround rules STUDY --suite` writes them.
    The result carries counts and at most twenty row positions; never a value, never a record id.
    """

    rule_id: str
    column: str = ""
    logic: dict[str, Any]

    success_keys: ClassVar[tuple[str, ...]] = ("rule_id", "column", "logic")

    def get_validation_dependencies(
        self, execution_engine: Engine | None = None, runtime_configuration: dict[str, Any] | None = None
    ) -> ValidationDependencies:
        """Enter the rule in the engine's book and ask for the one shared metric."""
        dependencies = super().get_validation_dependencies(execution_engine, runtime_configuration)
        if execution_engine is None:
            raise JudgeBroke("Great Expectations asked for dependencies without an engine.")
        RuleBook.of(execution_engine).logic[self.rule_id] = self.logic
        shared = MetricConfiguration(METRIC, metric_domain_kwargs={"batch_id": self.batch_id}, metric_value_kwargs={})
        dependencies.set_metric_configuration(METRIC, shared)
        return dependencies

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002 - GX's signature
        execution_engine: Engine | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        result: RuleResult = metrics[METRIC][self.rule_id]
        return {
            "success": not result.error and not len(result.failing),
            "result": {
                "element_count": int(result.scope.sum()),
                "checked_count": int(result.judged.sum()),
                "unexpected_count": len(result.failing),
                "partial_unexpected_index_list": [int(position) for position in result.failing[:SHOWN_POSITIONS]],
                "could_not_be_evaluated": result.error,
            },
        }


def evaluate_rules(frame: pd.DataFrame, rules: Mapping[str, Mapping[str, Any]]) -> dict[str, RuleResult]:
    """Evaluate rules (as the suite's `logic` objects, by id) on a frame; one that breaks never stops the others."""
    # A GX user who runs a suite on a frame of their own has no context; the machine's clock stands in.
    context: Context = frame.attrs.get(CONTEXT) or Context(datetime.now())  # noqa: DTZ005

    def column(name: str) -> Column:
        return Column(frame[name], kind=context.date_kinds.get(name, ""))

    evaluator = Evaluator(column, length=len(frame), now=context.now, missing_codes=context.missing_codes)
    rows = Rows(StoredTexts(frame), evaluator, context.now)
    return {rule_id: _evaluate(frame, rows, logic) for rule_id, logic in rules.items()}


def _evaluate(frame: pd.DataFrame, rows: Rows, logic: Mapping[str, Any]) -> RuleResult:
    try:
        verdict = _verdict(frame, rows, logic)
    except LogicError as error:
        return RuleResult(error=error.what)
    except KeyError as error:
        return RuleResult(error=f"there is no column {error.args[0]}")
    except Exception as error:  # noqa: BLE001 - whatever a rule does, the others must be judged
        return RuleResult(error=f"{type(error).__name__} while the rule was evaluated")
    return RuleResult(verdict.scope, verdict.judged, np.flatnonzero(verdict.failing), suggested=verdict.suggested)


def _verdict(frame: pd.DataFrame, rows: Rows, logic: Mapping[str, Any]) -> Verdict:
    scope = _scope(frame, logic)
    if logic["applies"] is not None:
        scope = scope & rows.evaluator.truth(from_json(logic["applies"]))
    judged = scope
    for column in logic["needs"]:
        judged = judged & rows.evaluator.filled(column)
    if logic["check"] is not None:
        return run_check(logic["check"], rows, judged)
    return Verdict(scope, judged, judged & rows.evaluator.truth(from_json(logic["discrepancy"])))


def _scope(frame: pd.DataFrame, logic: Mapping[str, Any]) -> Mask:
    """The rows a rule looks at: those of its instruments, at the events it names or at all."""
    scope = np.zeros(len(frame), dtype=bool)
    for instrument, events in logic["rows"].items():
        own = frame["instrument"].eq(instrument)
        scope |= (own & frame["event"].isin(events) if events else own).to_numpy(dtype=bool)
    return scope


def judge(suite: Suite, batch: Batch, *, run_name: str) -> dict[str, RuleResult]:
    """Run a suite on a batch through Great Expectations and give each rule's complete result.

    Raises JudgeBroke where GX lost an expectation, on the way in or on the way out.
    """
    context = _context()
    gx_suite = gx.ExpectationSuite(**_without_id(suite))
    _same_count(len(suite.rules), len(gx_suite.expectations), "loaded")
    source = context.data_sources.add_pandas(run_name)
    try:
        definition = source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")
        gx_batch = definition.get_batch(batch_parameters={"dataframe": batch.frame})
        outcome = gx_batch.validate(gx_suite)
        results = RuleBook.close(gx_batch.data.execution_engine).results
    finally:
        context.data_sources.delete(run_name)
    _same_count(len(suite.rules), len(outcome.results), "judged")
    _same_verdicts(outcome, results)
    return results


@cache
def _context() -> Any:
    """One context a process, in memory, without the documentation site whose folder would stay behind on disk."""
    defaults = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    config = DataContextConfig(store_backend_defaults=defaults, progress_bars=ProgressBarsConfig(globally=False))
    return gx.get_context(mode="ephemeral", project_config=config)


def _without_id(suite: Suite) -> dict[str, Any]:
    written = suite.to_json()
    return {"name": written["name"], "expectations": written["expectations"], "meta": written["meta"]}


def _same_count(expected: int, found: int, what: str) -> None:
    if not expected or expected != found:
        raise JudgeBroke(f"Great Expectations {what} {found} of {expected} rules.")


def _same_verdicts(outcome: Any, results: Mapping[str, RuleResult]) -> None:
    """Prove that what GX says of each rule is what the shared metric found for it."""
    for verdict in outcome.results:
        rule_id = verdict.expectation_config.meta["rule_id"]
        result = results.get(rule_id)
        if result is None or verdict.success != (not result.error and not len(result.failing)):
            raise JudgeBroke(f"Great Expectations' verdict on {rule_id} is not the metric's.")
