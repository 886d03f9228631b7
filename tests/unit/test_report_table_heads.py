"""The heads of a planned table's lines and columns, as a journal prints them."""

import pytest

from nightround.model.language import LANGUAGES, Language, Words
from nightround.report.numbers.computing import results_of
from nightround.report.tables.planned_tables import table_view
from nightround.report.tables.views import TableView
from nightround.study.plan import Plan
from nightround.texts.catalogue import read_wording
from tests.interim_samples import PLANNED, patients, snapshot_of
from tests.report_samples import TEMPLATES


def first_table(plan: Plan, language: Language = "en", **values: str) -> TableView:
    """The table of baseline data, with some values of the first patient changed."""
    rows = [{**row, **values} if row["record_id"] == "1" and "age" in row else row for row in patients()]
    say = read_wording([TEMPLATES], language)
    return table_view(plan, plan.tables[0], results_of(plan, snapshot_of(rows)), say, "1")


@pytest.mark.parametrize(
    ("language", "marks"), [("zh", ("x\u0304±s", "[n(%)]")), ("en", ("mean\u00a0±\u00a0SD", "n\u00a0(%)"))]
)
def test_each_line_names_its_kind_of_number(language: Language, marks: tuple[str, str]) -> None:
    """A mean says so in its head, with its unit, and a count does."""
    labels = [row.label for row in first_table(PLANNED, language).rows if row.depth == 1]
    assert all(any(mark in label for label in labels) for mark in marks)


def test_a_column_of_all_patients_on_request() -> None:
    """With `overall` the first column is about everybody of the population, and its head says how many."""
    asked = PLANNED.tables[0].model_copy(update={"overall": True})
    table = first_table(PLANNED.model_copy(update={"tables": (asked, *PLANNED.tables[1:])}))
    plain = first_table(PLANNED)
    assert (table.columns[0].head, table.columns[0].under) == ("Overall", "n\u00a0=\u00a024")
    assert [row.cells[1:] for row in table.rows if row.cells] == [row.cells for row in plain.rows if row.cells]


def test_a_missing_value_has_its_n() -> None:
    """A cell of fewer patients than its head says how many it is of; one of all of them does not."""
    assert "n\u00a0=\u00a015" in [note.text for note in first_table(PLANNED, age="").notes if note.letter]
    assert not [note for note in first_table(PLANNED).notes if note.text.startswith("n\u00a0=")]


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_abbreviation_is_expanded_where_it_is_printed(language: Language) -> None:
    """A table expands what its heads abbreviate, whole words only, and nothing else."""
    known = {"Age": Words("年龄全称", "years since birth"), "Ag": Words("银", "silver")}
    label = PLANNED.tables[0].sections[0].variables
    plan = PLANNED.model_copy(update={"abbreviations": known})
    text = " ".join(note.text for note in first_table(plan, language).notes)
    assert label
    assert ("years since birth" in text) == (language == "en")
    assert "silver" not in text
