"""Randomizations of a project: the field an allocation goes into, what it is stratified by, the allocation table."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from redcap_sync.dictionary import Dictionary

# Headers of an allocation table, as REDCap's template for its upload has them.
NUMBER, GROUP, ACCESS_GROUP = (
    "redcap_randomization_number",
    "redcap_randomization_group",
    "redcap_data_access_group",
)


@dataclass
class Allocation:
    """One entry of an allocation table."""

    number: str
    group: str
    stratum: dict[str, str] = field(default_factory=dict)
    """Code of each stratification field."""
    access_group: str = ""
    """Number or unique name of the data access group, where the randomization is by group."""
    record: str = ""
    """Who it was allocated to, '' while it is free."""


@dataclass
class Randomization:
    """One randomization; a record takes part in each at most once."""

    randomization_id: int
    target_field: str
    target_event: int
    strata: dict[str, int] = field(default_factory=dict)
    """Stratification field to the event its value is in."""
    by_group: bool = False
    table: list[Allocation] = field(default_factory=list)
    attributes: dict[str, str] = field(default_factory=dict)
    """Everything else a project XML said of it, carried through."""

    def allocated_to(self, record: str) -> Allocation | None:
        """Find what a record was given."""
        return next((entry for entry in self.table if entry.record == record), None)

    def next_free(self, stratum: Mapping[str, str], access_group: Collection[str]) -> Allocation | None:
        """The first free entry of a stratum, in the order of the table; a group goes by its number or its name."""
        free = (entry for entry in self.table if not entry.record and entry.stratum == stratum)
        return next((entry for entry in free if entry.access_group in access_group), None)


def is_concealed(dictionary: Dictionary, target_field: str) -> bool:
    """Say whether a target field takes a number that conceals the group: a text does, choices are open."""
    return not dictionary.by_name[target_field].choices


def allocation_table(
    randomization: Randomization, dictionary: Dictionary, rows: Iterable[Mapping[str, str]]
) -> list[Allocation]:
    """Read an allocation table; a row without a value for the target field is a note. Raises ValueError."""
    if unknown := [
        name for name in (randomization.target_field, *randomization.strata) if name not in dictionary.by_name
    ]:
        raise ValueError(f"the project has no field {', '.join(unknown)}")
    target = NUMBER if is_concealed(dictionary, randomization.target_field) else GROUP
    entries = [
        Allocation(
            number=row.get(NUMBER) or "",
            group=row.get(GROUP) or "",
            stratum={name: row.get(name) or "" for name in randomization.strata},
            access_group=(row.get(ACCESS_GROUP) or "") if randomization.by_group else "",
        )
        for row in rows
        if row.get(target)
    ]
    if wrong := next(_wrong_codes(randomization, dictionary, entries), None):
        raise ValueError(f'"{wrong[1]}" is not a valid categorical option for the field "{wrong[0]}"')
    if not entries or (randomization.by_group and not all(entry.access_group for entry in entries)):
        raise ValueError("its first row needs the columns " + ", ".join(_columns(randomization, target)))
    return entries


def _columns(randomization: Randomization, target: str) -> list[str]:
    return [target, *randomization.strata, *([ACCESS_GROUP] if randomization.by_group else [])]


def _wrong_codes(
    randomization: Randomization, dictionary: Dictionary, entries: Iterable[Allocation]
) -> Iterator[tuple[str, str]]:
    """Fields with codes that they do not have."""
    concealed = is_concealed(dictionary, randomization.target_field)
    for entry in entries:
        codes = entry.stratum if concealed else {randomization.target_field: entry.group, **entry.stratum}
        for name, code in codes.items():
            if not dictionary.by_name[name].has_choice(code):
                yield name, code
