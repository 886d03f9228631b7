"""Random renames against the records themselves: each finding is where its patient is."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from nightround.findings.lineage import Rename, final_names, follow
from tests.made_findings import made_finding, made_row

NAMES = ("a", "b", "c", "d", "e")


@dataclass
class Project:
    """Which patient is under which name; REDCap gives a name only once at a time."""

    patients: dict[str, int]
    log: list[Rename] = field(default_factory=list)

    def rename(self, old: str, new: str) -> None:
        """Rename a record, if the one is there and the other name is free."""
        if old in self.patients and new not in self.patients:
            self.patients[new] = self.patients.pop(old)
            self.log.append(Rename(old, new))

    def delete(self, name: str) -> None:
        """Delete a record."""
        self.patients.pop(name, None)

    def create(self, name: str) -> None:
        """Enter a patient who was not there before."""
        if name not in self.patients:
            self.patients[name] = 100 + len(self.log)


steps = st.one_of(
    st.tuples(st.just("rename"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.tuples(st.sampled_from(["delete", "create"]), st.sampled_from(NAMES)),
)


@given(st.sets(st.sampled_from(NAMES[:4]), min_size=1), st.lists(steps, max_size=12))
def test_each_finding_is_where_its_patient_is(began: set[str], story: list[tuple[str, ...]]) -> None:
    """Through chains, swaps, deletions and new patients; one whose patient is gone is at no other patient's name."""
    project = Project({name: number for number, name in enumerate(sorted(began))})
    first = dict(project.patients)
    known = {name: made_finding(row=made_row(name)) for name in began}
    for kind, *names in story:
        getattr(project, kind)(*names)
    rows = frozenset(made_row(name) for name in project.patients)
    moved = follow(known.values(), (), project.log, {}, rows)
    now = {one.id: one.row.record for one in moved.findings}
    where = {patient: name for name, patient in project.patients.items()}
    for name, finding in known.items():
        if first[name] in where:
            assert now[finding.id] == where[first[name]]
            assert finding.id not in moved.gone


@given(st.integers(0, 700))
def test_many_renames_are_followed_at_once(count: int) -> None:
    """Hundreds of records that each move on to the next name."""
    renames = [Rename(str(number), str(number + 1)) for number in range(count, 0, -1)]
    assert final_names(renames) == {str(number): str(number + 1) for number in range(1, count + 1)}
