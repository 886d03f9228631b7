"""The grade of a fix: what one line of the log, several, or none prove, where snapshots have the values or not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightround.findings.lifecycle import closed
from nightround.findings.proofs import SeenSince, proof_of
from nightround.model.finding import Finding, Resolution
from nightround.model.fix_proof import FixProof, ProofGrade
from nightround.model.rule import RuleKind
from nightround.snapshots.snapshot_diff import CellChange
from redcap_sync.pulling.change_log import Edit, Removes
from redcap_sync.rows.tables import RowKey
from tests.made_findings import NIGHT, made_finding, made_row, made_rule

OWN, PERSON = "our_account", "nurse_1"
RULE = made_rule()


def edit(username: str = PERSON, *, record: str = "1001", **other: Any) -> Edit:
    """A line of the log that names the total."""
    facts = {"verb": "update", "fields": ("villalta_total",), "instance": 0} | other
    return Edit("2025-05-12 14:02", username, record=record, **facts)


def change(column: str = "villalta_total", row: RowKey | None = None) -> CellChange:
    """A cell that is another one."""
    return CellChange(row or made_row(), column, "7", "5")


def fixed(resolution: Resolution = Resolution.FIXED, **other: Any) -> Finding:
    """A finding that a night closed."""
    return closed(made_finding(**other), resolution, NIGHT)


CHANGED = (change(),)


def since(*lines: Edit, changes: Any = CHANGED, **other: Any) -> SeenSince:
    """What is known, with our own account among the users."""
    return SeenSince(changes, lines, **{"whole": True, "own": frozenset({OWN}), **other})


def graded(finding: Finding, known: SeenSince, **other: Any) -> str:
    """The grade alone."""
    return proof_of(finding, made_rule(**other), known).grade.value


def test_one_line_of_a_person_and_both_values_are_the_full_proof() -> None:
    """It names who and when, to the minute."""
    expected = FixProof(ProofGrade.FULL, changed=True, by=PERSON, at="2025-05-12 14:02")
    assert proof_of(fixed(), RULE, since(edit(), edit(fields=("other",)), edit(record="1002"))) == expected


@pytest.mark.parametrize(
    ("lines", "other", "grade"),
    [
        ([], {}, "none"),
        ([edit(OWN)], {}, "none"),
        ([edit(OWN), edit(OWN)], {}, "none"),
        ([edit(fields=("other",))], {}, "none"),
        ([edit(instance=3)], {}, "full"),
        ([edit(""), edit("")], {}, "partial"),
        ([edit("")], {}, "partial"),
        ([edit(), edit()], {}, "partial"),
        ([edit(OWN), edit()], {}, "partial"),
        ([edit()], {"whole": False}, "partial"),
        ([edit()], {"changes": None}, "partial"),
        ([edit(OWN)], {"changes": None}, "none"),
        ([edit()], {"names": {"1000": "1001"}}, "partial"),
        ([edit(record="1000")], {"names": {"1000": "1001"}}, "partial"),
        ([edit()], {"changes": (change(), change(row=made_row(event="baseline_arm_1")))}, "partial"),
        ([edit()], {"changes": (change(), change("unread"))}, "full"),
    ],
)
def test_what_leaves_a_doubt_is_less_than_full(lines: list[Edit], other: dict[str, Any], grade: str) -> None:
    """Several lines, a log that was not read, a value that no snapshot has, or a field that changed elsewhere too."""
    assert graded(fixed(), since(*lines, **other)) == grade


def test_a_row_of_an_instrument_that_repeats_has_its_own_lines() -> None:
    """A line of another instance is about another row; one that names none may be about any."""
    row = made_row(instance=2)
    for instance, grade in ((1, "none"), (2, "full"), (0, "full")):
        known = since(edit(instance=instance), changes=(change(row=row),))
        assert graded(fixed(row=row), known) == grade


def test_nothing_changed_has_no_proof_and_says_so() -> None:
    """A line on the field without another value proves nothing, nor does a change of what the rule does not read."""
    for changes in ((), (change("other"),), (change(row=made_row(event="baseline_arm_1")),)):
        assert proof_of(fixed(), RULE, since(edit(), changes=changes)) == FixProof(ProofGrade.NONE, changed=False)


@pytest.mark.parametrize("resolution", [Resolution.RULE_CHANGED, Resolution.RULE_WITHDRAWN, Resolution.FIELD_WITHDRAWN])
def test_what_is_withdrawn_has_no_proof(resolution: Resolution) -> None:
    """Whatever the log says of its cells."""
    assert proof_of(fixed(resolution), RULE, since(edit())) == FixProof(ProofGrade.NONE)


def test_a_finding_of_all_rows_together_has_no_proof() -> None:
    """No line of the log is about it."""
    assert graded(fixed(row=made_row("")), since(edit())) == "none"


def test_a_removed_row_is_never_full() -> None:
    """No snapshot has a new value; the deletion is named where one line says so."""
    line = edit(verb="delete", fields=(), removes=Removes.RECORD)
    expected = FixProof(ProofGrade.PARTIAL, changed=True, by=PERSON, at="2025-05-12 14:02")
    assert proof_of(fixed(Resolution.ROW_REMOVED), RULE, since(line)) == expected


def test_a_name_that_another_record_took_says_nothing_of_the_cells() -> None:
    """What the snapshots have under that name is another patient's."""
    known = since(changes=(), names={"1002": "1001"})
    assert proof_of(fixed(Resolution.ROW_REMOVED), RULE, known) == FixProof(ProofGrade.NONE)


def test_any_cell_may_close_a_finding_on_what_is_there() -> None:
    """A visit that was missing is there by whatever was entered in it."""
    visit = change("weight", made_row(event="month_12_arm_1", instrument="visit"))
    known = since(edit(verb="create", fields=("weight",)), changes=(visit,))
    assert graded(fixed(), known, kind=RuleKind.VISIT) == "full"
    assert graded(fixed(), known) == "none"


LINES = st.builds(
    edit,
    st.sampled_from([OWN, PERSON, "nurse_2", ""]),
    record=st.sampled_from(["1001", "1002"]),
    fields=st.sets(st.sampled_from(["villalta_total", "other"])).map(tuple),
)
CHANGES = st.none() | st.lists(st.sampled_from([change(), change("other"), change(row=made_row("1002"))]), unique=True)


@given(st.lists(LINES, max_size=4), CHANGES, st.booleans())
def test_full_is_one_line_of_somebody_else_and_another_value(
    lines: list[Edit],
    changes: list[CellChange] | None,
    whole: bool,  # noqa: FBT001 - Hypothesis gives it by position
) -> None:
    """However lines and changes fall, nothing else is full, and no line of ours alone proves anything."""
    found = proof_of(fixed(), RULE, since(*lines, changes=changes, whole=whole))
    mine = [line for line in lines if line.record == "1001" and "villalta_total" in line.fields]
    changed = changes is not None and change() in changes
    full = whole and changed and [line.username for line in mine] in ([PERSON], ["nurse_2"])
    assert (found.grade is ProofGrade.FULL) is full
    if changes is not None:
        assert found.changed is changed
    if all(line.username == OWN for line in mine):
        assert found.grade is ProofGrade.NONE
    assert bool(found.by) <= (whole and len(mine) == 1)


def test_a_proof_is_read_back_as_it_was_written() -> None:
    """Every part of it survives."""
    for one in (
        FixProof(ProofGrade.NONE),
        FixProof(ProofGrade.PARTIAL, changed=True, by="王护士", at="2025-05-12 14:02"),
    ):
        assert FixProof.read(one.document()) == one
        assert FixProof.read(replace(one, changed=False).document()).changed is False
