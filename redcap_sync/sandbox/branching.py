"""Which questions of a survey are shown: branching logic, worked out with the answers given so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from redcap_sync.dictionary import Field
from redcap_sync.errors import LogicError
from redcap_sync.sandbox.calculations import MOST_ROUNDS, calculated, calculated_fields
from redcap_sync.sandbox.logic_rows import Viewpoint
from redcap_sync.sandbox.survey_codes import Response

if TYPE_CHECKING:
    from redcap_sync.logic import Expression

NOT_ASKED = frozenset({"calc", "descriptive", "file"})


@dataclass(frozen=True)
class Laid:
    """A survey as it is laid for the answers so far."""

    shown: tuple[Field, ...]
    values: Mapping[str, str]
    """The answers, blank where the question is hidden, and what is calculated from them."""


def laid(response: Response, answers: Mapping[str, str]) -> Laid:
    """Show and hide until nothing changes any more: a question that is hidden is blank for the logic of the others."""
    fields = response.project.dictionary.fields_of(response.instrument)
    shown, values = fields, _with_calculations(response, answers)
    for _ in fields:
        found = tuple(field for field in fields if _is_shown(response, field, values))
        if found == shown:
            break
        hidden = (name for field in asked(response) if field not in found for name in field.columns)
        shown, values = found, _with_calculations(response, {**answers, **dict.fromkeys(hidden, "")})
    return Laid(shown, values)


def asked(response: Response) -> Iterator[Field]:
    """The questions a respondent can answer, shown or hidden."""
    return (f for f in response.project.dictionary.fields_of(response.instrument) if f.type not in NOT_ASKED)


def _is_shown(response: Response, field: Field, values: Mapping[str, str]) -> bool:
    from redcap_sync.logic import holds

    expression = branching_of(field)
    if expression is None:
        return True
    project = response.project
    row = Viewpoint(project, response.record, response.place, answers=values).row_of(expression)
    return holds(expression, row, now=project.clock(), missing_codes=project.layout.missing_codes)


def _with_calculations(response: Response, answers: Mapping[str, str]) -> dict[str, str]:
    """Add what the survey's calculated fields make of the answers; they may feed each other."""
    project, values = response.project, dict(answers)
    fields = [field for field, _ in calculated_fields(project.layout) if field.instrument == response.instrument]
    for _ in range(MOST_ROUNDS):
        viewpoint = Viewpoint(project, response.record, response.place, answers=values)
        found = {field.name: calculated(viewpoint, field) for field in fields}
        if values.items() >= found.items():
            break
        values = {**values, **found}
    return values


@lru_cache(maxsize=4096)
def branching_of(field: Field) -> Expression | None:
    """Read a field's branching logic; None where there is none, or none that can be read: the field is shown then."""
    from redcap_sync.logic import parse

    try:
        return parse(field.branching_logic) if field.branching_logic.strip() else None
    except LogicError:
        return None
