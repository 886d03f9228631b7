"""Who a plan is about: conditions on fields, the groups that are compared, and the boxes of the flow."""

from __future__ import annotations

from nightround.study.references import Reference, Text
from nightround.study.study_model import StudyModel
from nightround.texts.catalogue import words


class Condition(StudyModel):
    """A field that has one of the codes, or any value where no codes are given."""

    field: Reference
    """The field."""
    codes: tuple[str, ...] = ()
    """Any of these codes; without them, any value."""


class PlanGroup(StudyModel):
    """One column of a comparison: the codes of the grouping field that belong to it; none where nothing is compared."""

    id: str
    """The name of the group in other parts of the plan."""
    label: Text
    """The head of its column."""
    codes: tuple[str, ...] = ()
    """The codes of the grouping field that belong to it."""


EVERYONE = PlanGroup(id="all", label=words("plan.everyone"))
"""The one column of a study that compares no groups."""


class Step(StudyModel):
    """A box of the flow: the patients of the step before (`of`) for whom every condition is true.

    A `side` step contains those who do not go on; the steps of it are its reasons.
    """

    id: str
    """The name of the step."""
    label: Text
    """What the box says."""
    of: str = ""
    """The step that its patients come from; without it, all records."""
    where: tuple[Condition, ...] = ()
    """The conditions that all hold for its patients."""
    side: bool = False
    """Whether it contains those who do not go on."""
