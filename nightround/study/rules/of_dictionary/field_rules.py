"""What each kind of dictionary rule looks for in a field, and which fields it concerns.

Source: `data_quality_rules`, section 2. Descriptive fields, form status and the record id are never judged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from nightround.model.rule import Check, Rule, RuleKind, Severity
from nightround.study.rules.of_dictionary.rule_words import texts_of
from nightround.study.rules.of_dictionary.units import factors_of
from redcap_sync.column_name import checkbox_column
from redcap_sync.dictionary import (
    COMMA_NUMBER_VALIDATIONS,
    NUMBER_VALIDATIONS,
    Dictionary,
    Field,
)
from redcap_sync.errors import LogicError
from redcap_sync.logic import from_json, parse, references, to_json
from redcap_sync.logic.calculated_fields import calculation_of
from redcap_sync.messages import Message
from redcap_sync.validation_types import is_known

SOURCE = "data dictionary of the project"
PLAIN_NUMBERS = ("integer", "number", "int", "float")
"""Validation types whose outliers REDCap looks for: neither 1 to 4 decimals nor a decimal comma."""
OUTLYING_DEVIATIONS = 2
"""REDCap's rule E: further than 2 standard deviations from the mean."""

Maker = Callable[[Field, Dictionary], Check | None]


def rule_of(
    kind: RuleKind, field: Field, dictionary: Dictionary, severity: Severity, *, folds: bool = False
) -> Rule | None:
    """Make the rule of a kind for a field, None where the kind does not concern it.

    With `folds`, blank cells of an instrument that was never opened are left to that instrument's own rule.
    """
    if field.type == "descriptive":
        return None
    check = MAKERS[kind](field, dictionary)
    if check is None:
        return None
    if folds and kind in SHOWN_ONLY:
        check = replace(check, settings={**check.settings, **opened(dictionary, field.instrument)})
    texts = texts_of(kind, field.label or field.name, field.minimum, field.maximum)
    return Rule(
        id=kind.rule_id(field.name),
        title=texts.title,
        instrument=field.instrument,
        discrepancy="",
        severity=severity,
        fields=(field.name,),
        applies=_applies(kind, field),
        problem=texts.problem,
        advice=texts.advice,
        source=SOURCE,
        origin="dictionary",
        involved=_involved(check, field),
        check=check,
        kind=kind,
    )


def _involved(check: Check, field: Field) -> tuple[str, ...]:
    """The fields that a calculation is made of."""
    if "formula" not in check.settings:
        return ()
    read = (one.field for one in references(from_json(check.settings["formula"])) if not one.is_smart)
    return tuple(name for name in dict.fromkeys(read) if name != field.name)


def opened(dictionary: Dictionary, instrument: str) -> dict[str, Any]:
    """How a check sees that an instrument was opened: a value in it, or its completion status set."""
    *columns, status = dictionary.columns_of(instrument)
    boxes = (field for field in dictionary.fields_of(instrument) if field.type == "checkbox")
    options = [column for field in boxes for column in dictionary.columns_of_field(field)]
    return {"opened": columns, "status": status, "options": options}


def _applies(kind: RuleKind, field: Field) -> str:
    shown = field.branching_logic
    if kind is RuleKind.HIDDEN:
        return f"not (\n{shown}\n)"  # a comment at the end of the logic must not swallow the bracket
    return shown if kind in SHOWN_ONLY else ""


def where_shown_is_known(rule: Rule, field: Field, dictionary: Dictionary) -> Rule:
    """Leave rows aside in which a missing data code decides whether the field is shown: nobody knows whether it is.

    REDCap's own rule F counts them, because a code is not the value that its branching logic asks for.
    """
    if rule.kind is not RuleKind.HIDDEN or not dictionary.missing_data_codes:
        return rule
    try:
        asked = references(parse(field.branching_logic))
    except LogicError:
        return rule
    plain = (one.column for one in asked if not (one.is_smart or one.code or one.instance))
    deciding = dict.fromkeys(name if name.startswith("[") else f"[{name}]" for name in plain)
    unknown = "".join(f" and not ismissingcode({one})" for one in deciding)
    return replace(rule, applies=f"{rule.applies}{unknown}")


def _codes(field: Field, dictionary: Dictionary) -> list[str]:
    """The missing data codes that the field takes."""
    refuses = "@NOMISSING" in field.annotation
    return [] if refuses else [choice.code for choice in dictionary.missing_data_codes]


def _values(kind: str, field: Field, dictionary: Dictionary) -> Check:
    columns = dictionary.columns_of_field(field)
    return Check(kind, columns, {"options": list(columns) if field.type == "checkbox" else []})


def _blank(field: Field, dictionary: Dictionary) -> Check:
    return _values("blank", field, dictionary)


def _required(field: Field, dictionary: Dictionary) -> Check | None:
    return _values("blank", field, dictionary) if field.required else None


def _format(field: Field, dictionary: Dictionary) -> Check | None:
    if field.type != "text" or not field.validation:
        return None
    if not is_known(field.validation):
        return _unknown_type("format", field)
    return Check("format", (field.name,), {"validation": field.validation, "missing": _codes(field, dictionary)})


def _range(field: Field, dictionary: Dictionary) -> Check | None:
    if field.type != "text" or not (field.minimum or field.maximum):
        return None
    measure = _measure(field.validation)
    if measure is None:
        return _unknown_type("range", field) if field.validation else None
    bounds = {"minimum": field.minimum, "maximum": field.maximum}
    return Check("range", (field.name,), {"measure": measure, **bounds, "missing": _codes(field, dictionary)})


def _unknown_type(kind: str, field: Field) -> Check:
    """A rule that says of itself that it cannot be judged: sites add validation types of their own."""
    refused = Message.of("outcome.unknown_validation", field=field.name, validation=field.validation)
    return Check(kind, (field.name,), {"refused": refused.document()})


def _measure(validation: str) -> str | None:
    """How values are compared with a bound: never as text."""
    if validation in NUMBER_VALIDATIONS | COMMA_NUMBER_VALIDATIONS:
        return "number"
    if validation.startswith("date"):
        return "moment"
    return "clock" if validation.startswith("time") else None


def _outlier(field: Field, dictionary: Dictionary) -> Check | None:
    if not _is_plain_number(field):
        return None
    settings = {"deviations": OUTLYING_DEVIATIONS, "missing": _codes(field, dictionary)}
    return Check("outlier", (field.name,), settings)


def _is_plain_number(field: Field) -> bool:
    return field.type in ("calc", "slider") or (field.type == "text" and field.validation in PLAIN_NUMBERS)


def _hidden(field: Field, dictionary: Dictionary) -> Check | None:
    return _values("filled", field, dictionary) if field.branching_logic else None


def _choice(field: Field, dictionary: Dictionary) -> Check | None:
    if not field.choices or field.type == "checkbox":
        return None
    codes = [choice.code for choice in field.choices]
    return Check("choice", (field.name,), {"codes": codes, "missing": _codes(field, dictionary)})


def _calculation(field: Field, dictionary: Dictionary) -> Check | None:  # noqa: ARG001 - every maker is asked alike
    try:
        found = calculation_of(field)
    except LogicError as error:
        return Check("calculation", (field.name,), {"refused": error.part("what").document()})
    if found is None:
        return None
    return Check("calculation", (field.name,), {"formula": to_json(found.expression), "text": found.text})


def _missing_code(field: Field, dictionary: Dictionary) -> Check | None:
    codes = _codes(field, dictionary)
    if not codes:
        return None
    check = _values("missing_code", field, dictionary)
    coded = [checkbox_column(field.name, code) for code in codes] if field.type == "checkbox" else []
    return replace(check, settings={**check.settings, "missing": codes, "coded_options": coded})


def _slip(field: Field, dictionary: Dictionary) -> Check | None:
    is_number = field.type == "text" and field.validation in NUMBER_VALIDATIONS | COMMA_NUMBER_VALIDATIONS
    if not is_number:
        return None
    factors = [[factor, why] for factor, why in factors_of(f"{field.label} {field.note}")]
    return Check("slip", (field.name,), {"factors": factors, "missing": _codes(field, dictionary)})


SHOWN_ONLY = (RuleKind.BLANK, RuleKind.REQUIRED)
"""Kinds that look only at cells which the branching logic shows."""
MAKERS: Mapping[RuleKind, Maker] = {
    RuleKind.BLANK: _blank,
    RuleKind.REQUIRED: _required,
    RuleKind.FORMAT: _format,
    RuleKind.RANGE: _range,
    RuleKind.OUTLIER: _outlier,
    RuleKind.HIDDEN: _hidden,
    RuleKind.CHOICE: _choice,
    RuleKind.CALCULATION: _calculation,
    RuleKind.MISSING_CODE: _missing_code,
    RuleKind.SLIP: _slip,
}
