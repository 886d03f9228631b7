"""One absence, one finding: an instrument that was never opened has one rule, its blank fields folded under it."""

from __future__ import annotations

from collections.abc import Iterator

from nightround.model import Check, Rule, Severity, Words
from nightround.study.dictionary_rules.fields import SOURCE, opened
from redcap_sync.dictionary import Dictionary, Field


def has_absence_rule(dictionary: Dictionary, instrument: str) -> bool:
    """Say whether the instrument is expected at all: one of its fields is required."""
    return bool(_required(dictionary, instrument))


def absence_rules(dictionary: Dictionary, severity: Severity) -> Iterator[Rule]:
    """One rule for each instrument that holds a required field."""
    for instrument in dictionary.instruments:
        required = _required(dictionary, instrument.name)
        if required:
            yield Rule(
                id=f"absent:{instrument.name}",
                title=Words(f"表单 {instrument.label} 已录入", f"The instrument {instrument.label} was entered"),
                instrument=instrument.name,
                discrepancy="",
                severity=severity,
                fields=(),
                applies=_any_shown(required),
                advice=Words(
                    "整张表单尚未录入：请补录；确实缺失请注明原因。",
                    "Nothing of this instrument was entered: enter it, or say why it is missing.",
                ),
                source=SOURCE,
                origin="dictionary",
                check=_never_opened(dictionary, instrument.name),
            )


def _never_opened(dictionary: Dictionary, instrument: str) -> Check:
    seen = opened(dictionary, instrument)
    return Check("never_opened", tuple(seen["opened"]), {"status": seen["status"], "options": seen["options"]})


def _required(dictionary: Dictionary, instrument: str) -> list[Field]:
    fields = dictionary.fields_of(instrument)
    return [field for field in fields if field.required and field.type != "descriptive"]


def _any_shown(required: list[Field]) -> str:
    """Logic that is true where at least one required field is shown; '' where that is always so."""
    if any(not field.branching_logic for field in required):
        return ""
    return " or ".join(f"(\n{field.branching_logic}\n)" for field in required)
