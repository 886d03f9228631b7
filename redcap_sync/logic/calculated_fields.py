"""What a calculated field is worked out from: a calc field, `@CALCTEXT(...)` or `@CALCDATE(...)`."""

from __future__ import annotations

from typing import NamedTuple

from redcap_sync.dictionary import Field
from redcap_sync.errors import LogicError
from redcap_sync.logic import Expression, parse
from redcap_sync.logic.annotations import action_tags, calculated_date, calculated_text


class Calculation(NamedTuple):
    """A formula, and whether its result may be text; a calc field contains numbers only."""

    expression: Expression
    text: bool


def calculation_of(field: Field) -> Calculation | None:
    """Return how a field is calculated, None where it is not; raise LogicError for what cannot be read."""
    if field.type == "calc":
        return Calculation(parse(field.calculation), text=False) if field.calculation.strip() else None
    if field.type not in ("text", "notes") or "@CALC" not in field.annotation:
        return None
    _refuse_conditional(field.annotation)
    found = calculated_text(field.annotation) or calculated_date(field.annotation, field.validation)
    return Calculation(found, text=True) if found else None


def _refuse_conditional(annotation: str) -> None:
    for tag in action_tags(annotation):
        if tag.name == "IF" and any("@CALC" in argument for argument in tag.arguments):
            raise LogicError("logic.conditional_tag", text=annotation, position=0, hint="hint.conditional_tag")
