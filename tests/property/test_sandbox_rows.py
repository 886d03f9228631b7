"""Whatever is stored comes back: over CSV, JSON, EAV and XML, and as a plain reading of the rules would have it."""

import csv
import json
import tempfile
from datetime import datetime
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox.installation import Installation
from redcap_sync.sandbox.parameters import parameters_from_pairs
from redcap_sync.sandbox.project_sources import project_from_odm
from redcap_sync.sandbox.rendering import csv_text
from redcap_sync.sandbox.server import answer
from tests.sandbox_examples import Clock, longitudinal_project

# Control characters cannot be in XML at all, surrogates not in UTF-8.
TEXTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("\n,;\"'"), max_size=12)
BASE = st.fixed_dictionaries(
    {}, optional={"initials": TEXTS, "sex": st.sampled_from("12"), "complaint____9": st.just("1")}
)
LABS = st.fixed_dictionaries({}, optional={"comments": TEXTS, "weight": st.sampled_from(["70", "80.5"])})
VISIT = st.fixed_dictionaries({"pain": st.integers(0, 100).map(str)})
INSTANCES = st.dictionaries(st.integers(1, 12), VISIT, max_size=3)
RECORDS = st.dictionaries(
    st.integers(1, 30).map(str), st.tuples(BASE, st.none() | LABS, INSTANCES, st.dictionaries(st.integers(1, 3), LABS))
)


def rows_of(records: dict[str, Any]) -> list[dict[str, Any]]:
    """Write made-up records as import rows."""
    rows: list[dict[str, Any]] = []
    for record, (base, labs, visits, diary) in records.items():
        rows.append({"record_id": record, "redcap_event_name": "screening_arm_1", **base})
        follow_up = {"record_id": record, "redcap_event_name": "followup_arm_1"}
        if labs is not None:
            rows.append({**follow_up, **labs})
        visit = {**follow_up, "redcap_repeat_instrument": "visit"}
        rows += [{**visit, "redcap_repeat_instance": n, **cells} for n, cells in visits.items()]
        event = {"record_id": record, "redcap_event_name": "diary_arm_1"}
        rows += [{**event, "redcap_repeat_instance": n, **cells} for n, cells in diary.items()]
    return rows


class Filled:
    """A project, empty and longitudinal if none is given, and calls to it without HTTP."""

    def __init__(self, project: StoredProject | None = None) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.project = project or longitudinal_project(Path(folder), Clock())
        self._installation = Installation(random=Random(1), clock=lambda: datetime(2025, 3, 1))  # noqa: DTZ001
        self._installation.add(self.project)

    def prepare(self) -> None:
        """Render what is there, as a server does that starts."""
        self._installation.prepare()

    def call(self, **parameters: str) -> str:
        """Call the API and return the text of its answer."""
        asked = {"token": self._installation.token(self.project), "content": "record", "format": "json", **parameters}
        answered = answer(self._installation, parameters_from_pairs(asked.items()))
        assert answered.status == 200, answered.body
        return answered.body.decode()


def expected(project: StoredProject, records: dict[str, Any]) -> list[dict[str, Any]]:
    """Work the flat export out cell by cell, as the rules can be read."""
    dictionary = project.dictionary
    found = []
    for row in rows_of(records):
        event, repeated = row["redcap_event_name"], row.get("redcap_repeat_instrument", "")
        cells: dict[str, Any] = {
            "record_id": row["record_id"],
            "redcap_event_name": event,
            "redcap_repeat_instrument": repeated,
            "redcap_repeat_instance": row.get("redcap_repeat_instance", ""),
        }
        for instrument in dictionary.instruments:
            here = instrument.name in dictionary.instruments_at(event)
            own = repeated == instrument.name if repeated else not dictionary.repeats(event, instrument.name)
            for column in dictionary.columns_of(instrument.name):
                zero = "___" in column or column.endswith("_complete")
                cells[column] = row.get(column, "0" if zero else "") if here and own else ""
        found.append(cells)
    position = list(dictionary.event_names).index
    return sorted(
        found,
        key=lambda cells: (
            int(cells["record_id"]),
            position(cells["redcap_event_name"]),
            cells["redcap_repeat_instrument"] != "",
            cells["redcap_repeat_instance"] or 0,
        ),
    )


@settings(max_examples=60, deadline=None)
@given(RECORDS)
def test_a_flat_export_is_what_the_rules_say(records: dict[str, Any]) -> None:
    """Every cell of every row, in JSON and in CSV, is what a plain reading of the rules gives."""
    filled = Filled()
    filled.call(data=json.dumps(rows_of(records)))
    rows = json.loads(filled.call())
    assert rows == expected(filled.project, records)
    for _ in range(2):  # the second time from the lines that were remembered
        read = list(csv.DictReader(StringIO(filled.call(format="csv"), newline="")))
        assert read == [{name: str(value) for name, value in row.items()} for row in rows]


@settings(max_examples=40, deadline=None)
@given(RECORDS)
def test_every_way_out_is_a_way_in(records: dict[str, Any]) -> None:
    """What is exported flat, as EAV and as project XML makes the same project again."""
    filled = Filled()
    filled.call(data=json.dumps(rows_of(records)))
    truth = filled.call()
    for kind in ("flat", "eav"):
        other = Filled()
        other.call(data=filled.call(type=kind), type=kind)
        assert other.call() == truth
    again = Filled(project_from_odm(filled.call(content="project_xml"), clock=Clock()))
    assert json.loads(again.call()) == json.loads(truth)


@settings(max_examples=40, deadline=None)
@given(RECORDS, RECORDS, st.sets(st.integers(1, 30).map(str), max_size=3))
def test_remembered_lines_are_never_old(before: dict[str, Any], after: dict[str, Any], gone: set[str]) -> None:
    """After imports, deletions and renames a CSV export shows what a JSON export shows."""
    filled = Filled()
    filled.call(data=json.dumps(rows_of(before)))
    filled.call(format="csv")
    filled.call(data=json.dumps(rows_of(after)), overwriteBehavior="overwrite")
    for record in gone & set(filled.project.values.names()):
        filled.call(action="delete", records=record)
    for record in filled.project.values.names()[:1]:
        filled.call(action="rename", record=record, new_record_name="renamed")
    read = list(csv.DictReader(StringIO(filled.call(format="csv"), newline="")))
    rows = json.loads(filled.call())
    assert read == [{name: str(value) for name, value in row.items()} for row in rows]


NAMES = ("record_id", "initials", "sex", "complaint", "weight", "comments", "pain", "labs_complete")
DELIMITERS = {"tab": "\t", ",": ",", "pipe": "|"}


def quoted_anew(rows: list[dict[str, Any]], delimiter: str) -> str:
    """Write the rows of a JSON export as CSV, looking at each cell."""
    return csv_text(list(rows[0]) if rows else [], ([str(cell) for cell in row.values()] for row in rows), delimiter)


@settings(max_examples=60, deadline=None)
@given(
    before=RECORDS,
    after=RECORDS,
    fields=st.sets(st.sampled_from(NAMES)),
    delimiter=st.sampled_from(sorted(DELIMITERS)),
    through_xml=st.booleans(),
)
def test_a_cell_is_quoted_wherever_it_comes_from(
    before: dict[str, Any], after: dict[str, Any], fields: set[str], delimiter: str, *, through_xml: bool
) -> None:
    """Any columns, of a project that was filled, loaded or changed: CSV has, rightly quoted, each cell of JSON."""
    filled = Filled()
    filled.call(data=json.dumps(rows_of(before)))
    if through_xml:
        filled = Filled(project_from_odm(filled.call(content="project_xml"), clock=Clock()))
    filled.prepare()
    asked = {f"fields[{n}]": name for n, name in enumerate(sorted(fields))}
    for rows in (before, after):
        filled.call(data=json.dumps(rows_of(rows)))
        told = filled.call(format="csv", csvDelimiter=delimiter, **asked)
        assert told == quoted_anew(json.loads(filled.call(**asked)), DELIMITERS[delimiter])
