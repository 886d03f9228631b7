"""What a plan says of how the study runs: who came to which visit, what was given, who died."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from nightround.model.language import Words
from nightround.study.references import FieldRef, Reference, Text
from nightround.study.study_model import StudyModel, wrong_value


class PlannedVisit(StudyModel):
    """A visit of the schedule: a patient came where `came` is filled.

    `within_days` is the last day of its window after `since`; a patient is due once it has passed. Without it
    everybody is due. Without a `label` REDCap's label of the event is printed.
    """

    id: str
    """The name of the visit."""
    came: Reference
    """The field that is filled where a patient came."""
    within_days: int | None = Field(default=None, ge=0)
    """The last day of its window, counted from `since`."""
    label: Text = Words("", "")
    """What the report calls it; REDCap's label of the event unless given."""


class FollowUp(StudyModel):
    """Retention: the visits of a flow step (`among`), counted from the date `since`.

    `ended` is a field with codes that says how a patient's participation ended, `ended_on` the day of it: who ended
    before a visit's window closed, and did not come, did not miss it.
    """

    among: str
    """The flow step whose patients are followed."""
    since: Reference
    """The date from which visits are counted."""
    visits: tuple[PlannedVisit, ...] = Field(min_length=1)
    """The visits of the schedule."""
    ended: Reference | None = None
    """The field that says how participation ended."""
    ended_on: Reference | None = None
    """The day on which it ended."""
    unit: Literal["days", "months"] = "months"
    """The unit of follow-up times."""

    def references(self) -> tuple[FieldRef, ...]:
        """The fields it is computed from."""
        return (self.since, *(one.came for one in self.visits), *given(self.ended), *given(self.ended_on))


class Amount(StudyModel):
    """A quantity given with each treatment, added up over the treatments of a patient."""

    id: str
    """The name of the quantity."""
    label: Text
    """What the report calls it."""
    unit: Text = Words("", "")
    """Its unit."""
    fields: tuple[Reference, ...] = ()
    """The fields with it, one for each of `given`."""
    field: str = ""
    """The field with it in each row of the repeating instrument."""
    digits: int = Field(default=1, ge=0, le=6)
    """The decimals that are printed."""


class Exposure(StudyModel):
    """Treatments given to the patients of a flow step: one for each field of `given` that is filled.

    Where treatments are rows of a repeating instrument, `instrument` names it, `entered` the field that is filled in
    a row that counts, and an amount its `field`; else an amount names its `fields`.
    """

    among: str
    """The flow step whose patients are counted."""
    label: Text
    """What a treatment is called."""
    given: tuple[Reference, ...] = ()
    """The fields that are filled where a treatment was given."""
    instrument: str = ""
    """The repeating instrument whose rows are treatments."""
    entered: str = ""
    """The field that is filled in a row that counts."""
    amounts: tuple[Amount, ...] = ()
    """Quantities that are added up."""

    def references(self) -> tuple[FieldRef, ...]:
        """The fields of one row a patient that it is computed from."""
        return (*self.given, *(field for amount in self.amounts for field in amount.fields))

    @model_validator(mode="after")
    def _one_source(self) -> Exposure:
        if bool(self.given) == bool(self.instrument) or bool(self.instrument) != bool(self.entered):
            raise wrong_value("exposure_source")
        if any(bool(one.field) != bool(self.instrument) or bool(one.fields) == bool(one.field) for one in self.amounts):
            raise wrong_value("exposure_amount")
        return self


class Deaths(StudyModel):
    """Deaths among a flow step: who has one of the codes in a field.

    With the dates `on` and `since`, deaths within each of `within_days` are counted too; `cause` is a field with codes.
    """

    among: str
    """The flow step whose patients are counted."""
    field: Reference
    """The field that says who died."""
    codes: tuple[str, ...] = ()
    """The codes that mean death."""
    on: Reference | None = None
    """The date of death."""
    since: Reference | None = None
    """The date from which days are counted."""
    within_days: tuple[int, ...] = ()
    """Deaths within so many days are counted too."""
    cause: Reference | None = None
    """The field with the cause."""

    def references(self) -> tuple[FieldRef, ...]:
        """The fields it is computed from."""
        return (self.field, *given(self.on), *given(self.since), *given(self.cause))

    @model_validator(mode="after")
    def _dated(self) -> Deaths:
        if self.within_days and not (self.on and self.since):
            raise wrong_value("deaths_dates")
        return self


def given(reference: FieldRef | None) -> tuple[FieldRef, ...]:
    """The reference, where there is one."""
    return (reference,) if reference else ()
