"""The status of studies for monitoring: Prometheus' text format, as node_exporter's textfile collector reads it.

The format is that of https://prometheus.io/docs/instrumenting/exposition_formats/ (text-based, 0.0.4): a HELP and a
TYPE line a metric, one line a value, label values with backslash, quote and line end escaped, moments in seconds since
1970. No value names a patient.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from nightround.night.round import Clock
from nightround.night.study_place import place_of
from nightround.night.study_status import StudyStatus, status_of
from nightround.study.folder import Content
from redcap_sync.errors import ExplainedError
from redcap_sync.private_files import write_private

log = logging.getLogger(__name__)

METRICS_FILE = "status.prom"
"""In the data folder of a study, rewritten as each round ends."""


class _Value(NamedTuple):
    """One value of a metric, with its labels."""

    labels: Mapping[str, str]
    value: float


class _Metric(NamedTuple):
    """A gauge with its values, of one study or of several."""

    name: str
    help: str
    values: list[_Value]


def metrics_text(studies: Sequence[StudyStatus]) -> str:
    """The metrics of some studies; a moment that never was has no line."""
    return "".join(f"{line}\n" for metric in _metrics(studies) for line in _lines(metric))


def _metrics(studies: Sequence[StudyStatus]) -> Iterator[_Metric]:
    def moments(name: str, said: str, found: Iterable[tuple[StudyStatus, datetime | None]]) -> _Metric:
        values = [_Value({"study": one.study}, round(at.timestamp())) for one, at in found if at]
        return _Metric(f"nightround_{name}_timestamp_seconds", said, values)

    def gauge(name: str, said: str, values: Iterable[tuple[StudyStatus, float]]) -> _Metric:
        return _Metric(f"nightround_{name}", said, [_Value({"study": one.study}, value) for one, value in values])

    yield gauge("healthy", "1 where nobody has to see to anything.", ((s, float(not s.troubles())) for s in studies))
    complete = ((s, s.last_complete.started_at if s.last_complete else None) for s in studies)
    yield moments("last_complete_round", "When the last complete round began.", complete)
    tried = ((s, s.last_attempt.started_at if s.last_attempt else None) for s in studies)
    yield moments("last_attempt", "When the last attempt at a round began.", tried)
    codes = ((s, s.last_attempt.exit_code) for s in studies if s.last_attempt)
    yield gauge("last_attempt_exit_code", "How the last attempt ended.", ((s, c) for s, c in codes if c is not None))
    yield moments("next_round", "When the next round is.", ((s, s.next_round) for s in studies))
    by_severity = [
        _Value({"study": one.study, "severity": severity.value}, count)
        for one in studies
        for severity, count in one.open_findings.items()
    ]
    yield _Metric("nightround_open_findings", "Open findings by severity.", by_severity)
    yield gauge("undelivered_messages", "Messages that did not arrive.", ((s, len(s.undelivered)) for s in studies))
    yield gauge("disk_free_bytes", "Free bytes of the disk of the data folder.", ((s, s.free_bytes) for s in studies))


def _lines(metric: _Metric) -> Iterator[str]:
    if not metric.values:
        return
    yield f"# HELP {metric.name} {metric.help}"
    yield f"# TYPE {metric.name} gauge"
    for labels, value in metric.values:
        named = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
        yield f"{metric.name}{{{named}}} {value:.15g}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def keep_metrics(name: str, *, data: Path, content: Content, environ: Mapping[str, str], clock: Clock) -> None:
    """Rewrite the metrics of a study as a round ends, however it ended; trouble with that stops nothing."""
    try:
        found = status_of(name, data, content, environ, clock())
        write_private(place_of(name, data, content).data / METRICS_FILE, metrics_text([found]).encode())
    except (ExplainedError, OSError) as error:
        log.warning("the metrics of %s were not written: %s", name, type(error).__name__)
