"""The audit of the published Tables 1-3 (doi:10.7659/j.issn.1005-6947.250621), from the printed cells alone."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from nightround.published_tables.audit_document import audit
from nightround.published_tables.audit_remarks import Audit
from nightround.published_tables.document_form import document_of, read_document
from nightround.published_tables.visit_readings import _moves

ROOT = Path(__file__).parents[2]
PRINTED = Path(__file__).with_name("published_tables.json")
SEED = ROOT.parent / "shared" / "seed" / "published_tables.json"
OCCLUSION = "occlusion (n=19): P"
WHY = {
    ("table1", "cerebrovascular disease", "P"): r"1 df at 4\.677 has P=0\.031.*Fisher's exact test",
    ("table1", "filter retrieval: endovascular", "P"): r"2 df at 9\.765 has P=0\.008; 0\.002 needs 1 df",
    ("table2", "VCSS", "patency: P"): r"42 df.*two independent samples gives \(t test, t with 84 df\).*59 to 85 df",
    ("table2", "VCSS", "occlusion: P"): r"18 df.*two independent samples gives \(t test, t with 36 df\).*26 to 37 df",
    ("table2", "Villalta", "patency 6 months"): r"grades of these 43 patients.*Kahn",
    ("table2", "PTS none", "patency: Z/t"): r"no paired test gives -3\.797.*independent samples gives \(Mann-Whitney",
    ("table2", "PTS none", "occlusion: Z/t"): r"no paired test gives -0\.622.*independent samples gives \(Mann-Whitney",
    ("table2", "IVC near-renal anteroposterior diameter, mm", "patency: P"): r"P=0\.046.*belong to 0\.376 to 0\.378",
    ("table3", "Hb, g/L", OCCLUSION): r"P=0\.166; 0\.171 needs 14 df: 15 pairs where 19 are stated",
    ("table3", "PLT, 10^9/L", OCCLUSION): r"13 to 15 pairs where 19 are stated",
    ("table3", "Hcy, umol/L", OCCLUSION): r"0\.925 is the P of a normal Z",
    ("table3", "ALT, IU/L", OCCLUSION): r"13 pairs where 19 are stated",
    ("table3", "AST, IU/L", OCCLUSION): r"13 pairs where 19 are stated",
    ("table3", "Urea, mmol/L", OCCLUSION): r"13 pairs where 19 are stated",
    ("table3", "Cr, umol/L", OCCLUSION): r"35 to 40 df, more than 19 pairs can have",
}
"""Every contradiction, and what the audit must say of it."""


@pytest.fixture(scope="module")
def found() -> Audit:
    """The audit of the printed tables."""
    return audit(read_document(PRINTED))


def loaded() -> dict[str, Any]:
    """The printed tables as they are in the file."""
    tables: dict[str, Any] = json.loads(PRINTED.read_text(encoding="utf-8"), parse_float=Decimal)
    return tables


def test_every_documented_contradiction_is_found_and_no_other_cell_is_named(found: Audit) -> None:
    """The fifteen cells, each with its reason, from the tables alone."""
    said = {(one.cell.table, one.cell.row, one.cell.column): one.why for one in found.inconsistent}
    assert said.keys() == WHY.keys()
    assert [place for place, pattern in WHY.items() if not re.search(pattern, said[place])] == []


def test_the_document_lists_what_the_audit_finds(found: Audit) -> None:
    """The table of docs/published-tables.md: cell, printed, and what it must be, line by line."""
    document = (ROOT / "docs" / "published-tables.md").read_text(encoding="utf-8")
    lines = [line.strip("| ").split(" | ") for line in document.splitlines() if line.startswith("| table")][1:]
    audited = [
        [one.cell.table, one.cell.row, one.cell.column, one.cell.text, one.recomputed] for one in found.inconsistent
    ]
    assert [line[:5] for line in lines] == audited
    assert all(line[5] for line in lines)


def test_the_document_counts_the_ways_to_move_and_the_cells_right(found: Audit) -> None:
    """The numbers in its prose are those of the audit."""
    document = (ROOT / "docs" / "published-tables.md").read_text(encoding="utf-8")
    medians = sum("median" in one.why for one in found.unverifiable)
    assert f"print {len(found.inconsistent)} cells" in document
    assert f"The {medians} cells with medians" in document
    assert len(found.unverifiable) == medians + 1
    grades = loaded()["table2"]["rows"][4:8]
    for before, after, sentence in ((2, 3, "none of the {} ways to move"), (6, 7, "none of {} ways")):
        counts = [[int(str(row[place]).partition("(")[0]) for place in (before, after)] for row in grades]
        moves = _moves(np.array(counts))
        assert moves is not None
        assert sentence.format(len(moves)) in document


def test_every_printed_cell_is_accounted_for_once(found: Audit) -> None:
    """Checked and unverifiable cells together are all cells, the flow and the test told in the note."""
    tables = loaded()
    rows = [row for name in ("table1", "table2") for row in tables[name]["rows"]]
    rows += [row for group in tables["table3"]["groups"].values() for row in group]
    printed = sum(cell is not None for row in rows for cell in row[2:])
    assert found.checked + len(found.unverifiable) == printed + len(tables["flow"]) + 1


def test_the_audit_does_not_know_the_names_of_the_groups() -> None:
    """With other group names the same cells are named, but for the headers."""
    text = PRINTED.read_text(encoding="utf-8").replace("patency", "alpha").replace("occlusion", "beta")
    renamed = audit(document_of(json.loads(text, parse_float=Decimal)))
    assert [(one.cell.table, one.recomputed) for one in renamed.inconsistent] == [
        (one.cell.table, one.recomputed) for one in audit(read_document(PRINTED)).inconsistent
    ]


def test_whole_numbers_tell_that_a_mean_is_of_fewer_patients() -> None:
    """A mean of 69.13 is of no 19 whole numbers, but of 15."""
    tables = loaded()
    tables["table3"]["granularity"] = {"Cr": 1}
    wrong = [one for one in audit(document_of(tables)).inconsistent if "GRIM" in one.why]
    assert [(one.cell.row, one.cell.column) for one in wrong] == [("Cr, umol/L", "occlusion (n=19): before")]
    assert "it fits n=16, 15" in wrong[0].why


@pytest.mark.skipif(not SEED.exists(), reason="the publication's tables do not lie beside this repository")
def test_the_copy_of_the_printed_tables_is_the_original() -> None:
    """The tables the tests use are those the study was given."""
    assert json.loads(SEED.read_text(encoding="utf-8")) == json.loads(PRINTED.read_text(encoding="utf-8"))
