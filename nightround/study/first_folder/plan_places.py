"""Where a drafted plan finds each field: at the first and at the last event that has it once a record."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from redcap_sync.column_name import ColumnName
from redcap_sync.dictionary import Dictionary, Field


@dataclass(frozen=True)
class PlanPlaces:
    """The events of a dictionary at which a record has one row of an instrument. Of several arms the first one's."""

    dictionary: Dictionary

    @cached_property
    def events(self) -> tuple[str, ...]:
        """The events of the first arm in their order; the one event '' of a classic project."""
        arms = sorted({one.arm for one in self.dictionary.events})
        return tuple(one.unique_name for one in self.dictionary.events if one.arm == arms[0]) or ("",)

    @property
    def several_arms(self) -> bool:
        """Whether there are more arms than the one that is planned."""
        return len({one.arm for one in self.dictionary.events}) > 1

    def events_of(self, instrument: str) -> tuple[str, ...]:
        """The events at which an instrument is filled in once."""
        every = self.dictionary
        return tuple(
            event
            for event in self.events
            if (not every.longitudinal or (event, instrument) in every.designations)
            and (event, instrument) not in every.repeating
            and (event, "") not in every.repeating
        )

    def first(self, field: Field) -> str | None:
        """The first event that has a field once; None where there is none."""
        return next(iter(self.events_of(field.instrument)), None)

    def pair(self, field: Field) -> tuple[str, str] | None:
        """The first and the last event of a field that is asked at several."""
        events = self.events_of(field.instrument)
        return (events[0], events[-1]) if len(events) > 1 else None


def reference(event: str, column: str) -> str:
    """A reference of a plan to a column as REDCap exports it."""
    return str(ColumnName(column, event=event))
