"""Who a plan is about: conditions on fields, the groups that are compared, and the boxes of the flow."""

from __future__ import annotations

from nightround.study.references import Reference, Text
from nightround.study.study_model import StudyModel
from nightround.texts.catalogue import words


class Condition(StudyModel):
    """A field that has one of the codes, or any value where no codes are given."""

    field: Reference
    codes: tuple[str, ...] = ()


class PlanGroup(StudyModel):
    """One column of a comparison: the codes of the grouping field that belong to it; none where nothing is compared."""

    id: str
    label: Text
    codes: tuple[str, ...] = ()


EVERYONE = PlanGroup(id="all", label=words("plan.everyone"))
"""The one column of a study that compares no groups."""


class Step(StudyModel):
    """A box of the flow: the patients of the step before (`of`) for whom every condition is true.

    A `side` step contains those who do not go on; the steps of it are its reasons.
    """

    id: str
    label: Text
    of: str = ""
    where: tuple[Condition, ...] = ()
    side: bool = False
