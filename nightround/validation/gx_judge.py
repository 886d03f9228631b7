"""The one module that imports Great Expectations.

One thin expectation per rule, and one shared metric that evaluates all rules of a batch at once:
an expectation per check with metrics of its own is 100 to 400 times slower than plain masks.
The order this relies on (every expectation names its dependencies, then metrics are resolved, then
every expectation is judged) is undocumented; `tests/integration/test_gx_contract.py` holds GX to it.
"""

from __future__ import annotations

import copy
import json
import logging
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

# Asked for before the import, for releases that still had telemetry; 1.24.1 has none.
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")

import great_expectations as gx
import numpy as np
import pandas as pd
from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResult
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.execution_engine.execution_engine import ExecutionEngine
from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration, parse_result_format
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.types import SerializableDictDot
from great_expectations.validator.metric_configuration import MetricConfiguration
from great_expectations.validator.validator import ValidationDependencies

from nightround.validation.evaluation import RuleResult, evaluate_rules
from nightround.validation.suite import EXPECTATION_TYPE, Suite
from nightround.validation.trees import Trees
from redcap_sync.garbage import collecting_no_garbage

Engine = ExecutionEngine[Any]

DEFAULT_RESULT_FORMAT = "BASIC"
METRIC = "redcap.rule_failures"
SHOWN_POSITIONS = 20
_ONE_AT_A_TIME = Lock()

# GX's import turns every warning of the process into a log line; warnings stay warnings here.
logging.captureWarnings(False)


class JudgeBroke(RuntimeError):
    """Great Expectations did not do what the adapter relies on: a bug, never a finding."""


class Logic(SerializableDictDot):
    """A rule's trees and scope as the suite stores them, carried through Great Expectations in one piece.

    GX copies every argument of an expectation a dozen times, node by node; a tree of forty nodes
    would cost more than its evaluation. This is immutable, so a copy of it is itself. Who has compiled the rule
    gives its trees along, which are read from JSON otherwise.
    """

    def __init__(self, written: Mapping[str, Any], trees: Trees | None = None) -> None:
        self.written = written
        self.evaluated = trees or written

    def __copy__(self) -> Logic:
        return self

    def __deepcopy__(self, memo: object) -> Logic:
        return self

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Logic) and self.written == other.written

    def __hash__(self) -> int:
        return hash(json.dumps(self.written, sort_keys=True))

    def to_json_dict(self) -> dict[str, Any]:
        """What is in the suite's JSON."""
        return dict(self.written)

    @classmethod
    def __get_validators__(cls) -> Iterator[Callable[[Any], Logic]]:
        yield cls.read

    @classmethod
    def __modify_schema__(cls, schema: dict[str, Any]) -> None:
        schema["type"] = "object"

    @classmethod
    def read(cls, written: Any) -> Logic:
        """Take the object out of a suite; a suite without it is refused."""
        if isinstance(written, Logic):
            return written
        if not isinstance(written, Mapping) or not {"discrepancy", "applies", "needs", "rows"} <= written.keys():
            raise ValueError("logic is the object that `nightround rules STUDY --suite` writes")
        return cls(written)


class RuleBook:
    """The rules that have asked to be evaluated on one engine, and their results once they were."""

    _open: ClassVar[WeakKeyDictionary[Engine, RuleBook]] = WeakKeyDictionary()

    def __init__(self) -> None:
        self.logic: dict[str, Mapping[str, Any] | Trees] = {}
        self.results: dict[str, RuleResult] = {}
        self._shared: dict[str | None, MetricConfiguration] = {}

    def shared_metric(self, batch_id: str | None) -> MetricConfiguration:
        """The one metric of a batch that all its rules depend on."""
        if batch_id not in self._shared:
            self._shared[batch_id] = MetricConfiguration(METRIC, {"batch_id": batch_id}, {})
        return self._shared[batch_id]

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

    `logic` contains the rule's syntax trees and scope, as `nightround rules STUDY --suite` writes them.
    The result carries counts and at most twenty row positions; never a value, never a record id.
    """

    rule_id: str
    column: str = ""
    logic: Logic

    success_keys: ClassVar[tuple[str, ...]] = ("rule_id", "column", "logic")

    class Config:
        """What pydantic must know to write the suite down, as GX's own stores do."""

        json_encoders: ClassVar[dict[type, Callable[[Any], Any]]] = {Logic: Logic.to_json_dict}

    def get_validation_dependencies(
        self, execution_engine: Engine | None = None, runtime_configuration: dict[str, Any] | None = None
    ) -> ValidationDependencies:
        """Enter the rule in the engine's book and ask for the one shared metric."""
        if execution_engine is None:
            raise JudgeBroke("Great Expectations asked for dependencies without an engine.")
        book = RuleBook.of(execution_engine)
        book.logic[self.rule_id] = self.logic.evaluated
        asked = (runtime_configuration or {}).get("result_format", DEFAULT_RESULT_FORMAT)
        # The base class makes the same two things out of a dozen copies of the whole configuration.
        return ValidationDependencies({METRIC: book.shared_metric(self.batch_id)}, parse_result_format(asked))

    @property
    def configuration(self) -> ExpectationConfiguration:
        """What Great Expectations passes around of it; GX's own form where it was given more than a rule has."""
        if self.__fields_set__ <= _OF_A_RULE:
            return RuleConfiguration(self)
        configuration: ExpectationConfiguration = super().configuration
        return configuration

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
                "element_count": result.in_scope,
                "checked_count": result.checked,
                "unexpected_count": len(result.failing),
                "partial_unexpected_index_list": [int(position) for position in result.failing[:SHOWN_POSITIONS]],
                "could_not_be_evaluated": str(result.error or ""),
            },
        }


_ARGUMENTS = ("batch_id", "rule_id", "column", "logic")
_OF_A_RULE = {*_ARGUMENTS, "id", "meta", "notes", "severity", "rendered_content"}


class RuleConfiguration(ExpectationConfiguration):
    """A rule's configuration that is copied in one piece and remembers its expectation.

    Great Expectations copies each configuration node by node and reads it into an expectation twice a run, with all
    of pydantic's checks; it was read and checked when the suite was loaded.
    """

    def __init__(self, rule: ExpectRedcapRule) -> None:
        arguments = {name: value for name in _ARGUMENTS if (value := getattr(rule, name))}
        super().__init__(
            EXPECTATION_TYPE,
            arguments,
            meta=rule.meta,
            notes=rule.notes,
            severity=rule.severity,
            id=rule.id,
            rendered_content=rule.rendered_content,
        )
        self._rule = rule

    def __deepcopy__(self, memo: object) -> RuleConfiguration:
        copied = copy.copy(self)
        copied.kwargs = dict(self.kwargs)
        return copied

    def to_domain_obj(self) -> ExpectRedcapRule:
        """The expectation, on the batch that it was given meanwhile."""
        if self._rule.batch_id != self.kwargs.get("batch_id"):
            self._rule = self._rule.copy(update={"batch_id": self.kwargs.get("batch_id")})
        return self._rule


class UnmeasuredFrame(pd.DataFrame):
    """A frame that says it is too large to be hashed.

    GX asks each frame its size, column by column, and hashes it: nearly half of a run's time for a fingerprint that
    nobody reads.
    """

    @classmethod
    def of(cls, frame: pd.DataFrame) -> UnmeasuredFrame:
        """The same columns and attributes, not copied."""
        same = cls(frame, copy=False)
        same.attrs = frame.attrs
        return same

    def memory_usage(self, index: bool = True, deep: bool = False) -> pd.Series[Any]:  # noqa: ARG002, FBT001, FBT002
        """Too much."""
        return pd.Series([np.inf])


@dataclass(frozen=True, eq=False)
class Judgement:
    """What a suite came to, by rule: the complete result, and Great Expectations' own description of it as JSON."""

    results: Mapping[str, RuleResult]
    verdicts: Mapping[str, Mapping[str, Any]]


def judge(suite: Suite, frame: pd.DataFrame) -> Judgement:
    """Run a suite on a frame through Great Expectations and give each rule's complete result.

    One suite at a time in a process: threads that share a datasource would be given one another's rows.
    Raises JudgeBroke where GX lost an expectation, on the way in or on the way out.
    """
    # To look for garbage in the rules and in Great Expectations took a third of the time of 3,000 rules.
    with _ONE_AT_A_TIME, collecting_no_garbage():
        outcome, results = _validated(suite, frame)
        _same_count(len(suite.rules), len(outcome.results), "judged")
        _same_verdicts(outcome, results)
        verdicts = map(_described_verdict, outcome.results)
        return Judgement(results, {one["kwargs"]["rule_id"]: one for one in verdicts})


def _validated(suite: Suite, frame: pd.DataFrame) -> tuple[ExpectationSuiteValidationResult, Mapping[str, RuleResult]]:
    rows = _rows()
    gx_suite = gx.ExpectationSuite(**_judged_form(suite))
    _same_count(len(suite.rules), len(gx_suite.expectations), "loaded")
    try:
        gx_batch = rows.get_batch(batch_parameters={"dataframe": UnmeasuredFrame.of(frame)})
        outcome = gx_batch.validate(gx_suite)
        return outcome, RuleBook.close(gx_batch.data.execution_engine).results
    finally:
        # The engine keeps the last frame that it was given. The datasource makes a new one when it has none.
        rows.data_asset.datasource._execution_engine = None  # noqa: SLF001 - GX has no public way


def _described_verdict(verdict: Any) -> dict[str, Any]:
    """What GX's `describe_dict` says of a verdict, which nothing keeps a row or a frame of.

    The logic of the rule is left out, because it is in the suite; the severity, which GX leaves out, is added.
    GX itself looks at every value twice, to see whether JSON can contain it: these it can.
    """
    configuration = verdict.expectation_config
    described = {
        "expectation_type": configuration.type,
        "success": verdict.success,
        "kwargs": {name: value for name, value in configuration.kwargs.items() if name != "logic"},
        "result": verdict.result,
        "severity": configuration.severity.value,
    }
    raised = verdict.exception_info.get("raised_exception")
    return {**described, "exception_info": verdict.exception_info} if raised else described


@cache
def _rows() -> Any:
    """The one datasource of a process, which takes the frame of each suite.

    Its context is in memory, without the documentation site whose folder would stay behind on disk.
    """
    defaults = InMemoryStoreBackendDefaults(init_temp_docs_sites=False)
    config = DataContextConfig(store_backend_defaults=defaults, progress_bars=ProgressBarsConfig(globally=False))
    source = gx.get_context(mode="ephemeral", project_config=config).data_sources.add_pandas("nightround")
    return source.add_dataframe_asset("rows").add_batch_definition_whole_dataframe("all")


def _judged_form(suite: Suite) -> dict[str, Any]:
    """The suite without what only readers need: GX copies the titles and sources of every rule many times."""
    trees = {compiled.rule.id: compiled.trees for compiled in suite.rules}
    return {
        "name": suite.name,
        "expectations": [_judged_expectation(one, trees) for one in suite.to_json()["expectations"]],
    }


def _judged_expectation(written: Mapping[str, Any], trees: Mapping[str, Trees]) -> dict[str, Any]:
    rule_id, arguments = written["meta"]["rule_id"], written["kwargs"]
    logic = Logic(arguments["logic"], trees[rule_id])
    return {**written, "meta": {"rule_id": rule_id}, "kwargs": {**arguments, "logic": logic}}


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
