"""Rules that the data dictionary already holds: range, choice and required, as REDCap logic.

They say the same as REDCap's built-in rules D, G and B, one rule a field, so that the coverage
certificate can account for each field by name.
"""

from __future__ import annotations

from collections.abc import Iterator

from nightround.model import Rule, Severity, Words
from nightround.study.study_toml import DictionaryRulesTable
from redcap_sync.dictionary import Dictionary, Field

SOURCE = "data dictionary of the project"


def rules_from_dictionary(dictionary: Dictionary, wanted: DictionaryRulesTable) -> tuple[Rule, ...]:
    """Make the wanted rules for every field that has a range, choices or the required mark."""
    return tuple(
        rule
        for field in dictionary.fields
        if field.name != dictionary.record_id_field
        for rule in _rules_of(field, dictionary, wanted)
    )


def _rules_of(field: Field, dictionary: Dictionary, wanted: DictionaryRulesTable) -> Iterator[Rule]:
    if wanted.range and (field.minimum or field.maximum):
        yield _range_rule(field, dictionary, wanted.severity)
    if wanted.choice and field.choices and field.type != "checkbox":
        yield _choice_rule(field, dictionary, wanted.severity)
    if wanted.required and field.required and field.type not in ("checkbox", "descriptive"):
        yield _required_rule(field, wanted.severity)


def _range_rule(field: Field, dictionary: Dictionary, severity: Severity) -> Rule:
    low = [f"[{field.name}] < {_bound(field.minimum)}"] if field.minimum else []
    high = [f"[{field.name}] > {_bound(field.maximum)}"] if field.maximum else []
    between = f"{field.minimum or '…'} – {field.maximum or '…'}"
    return _rule(
        f"range:{field.name}",
        field,
        severity,
        discrepancy=_unless_missing_code(field, dictionary, " or ".join(low + high)),
        needs=(field.name,),
        title=Words(f"{field.label} 应在 {between} 之内", f"{field.label} is within {between}"),
        advice=Words(
            "请对照原始病历核对数值与单位；确属如此请注明原因。",
            "Compare value and unit with the chart; if it is right, say why.",
        ),
    )


def _bound(written: str) -> str:
    """A minimum or maximum as logic: a reference stays one, `today` and literals become quoted text."""
    return written if written.startswith("[") else f"'{written}'"


def _choice_rule(field: Field, dictionary: Dictionary, severity: Severity) -> Rule:
    valid = (*field.choices, *dictionary.missing_data_codes)
    # Compared as text through concat(): code '1' and a stored '01' or '1.0' are different answers.
    known = " and ".join(f"concat('=', [{field.name}]) <> '={choice.code}'" for choice in valid)
    return _rule(
        f"choice:{field.name}",
        field,
        severity,
        discrepancy=known,
        needs=(field.name,),
        title=Words(
            f"{field.label} 的取值应为字典中的选项", f"{field.label} holds one of the choices of the dictionary"
        ),
        advice=Words("请在 REDCap 中重新选择该项。", "Choose the answer again in REDCap."),
    )


def _required_rule(field: Field, severity: Severity) -> Rule:
    return _rule(
        f"required:{field.name}",
        field,
        severity,
        discrepancy=f"[{field.name}] = ''",
        applies=field.branching_logic,
        needs=(),
        title=Words(f"必填项 {field.label} 已填写", f"The required field {field.label} is filled"),
        advice=Words(
            "请补录；确实无法获得时请录入缺失代码。", "Fill it in; if it cannot be had, enter a missing data code."
        ),
    )


def _unless_missing_code(field: Field, dictionary: Dictionary, logic: str) -> str:
    codes = " and ".join(f"[{field.name}] <> '{choice.code}'" for choice in dictionary.missing_data_codes)
    return f"({logic}) and {codes}" if codes else logic


def _rule(
    rule_id: str,
    field: Field,
    severity: Severity,
    *,
    discrepancy: str,
    needs: tuple[str, ...],
    title: Words,
    advice: Words,
    applies: str = "",
) -> Rule:
    return Rule(
        id=rule_id,
        title=title,
        instrument=field.instrument,
        discrepancy=discrepancy,
        severity=severity,
        fields=(field.name,),
        applies=applies,
        needs=needs,
        advice=advice,
        source=SOURCE,
        origin="dictionary",
    )
