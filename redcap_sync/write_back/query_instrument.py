"""The instrument that questions are written to: its dictionary, and how it is known among the instruments of a project.

`data_query.csv` has its fields as REDCap's API names their columns; the same rows are in the dictionary of a study.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

from redcap_sync.dictionary import Dictionary
from redcap_sync.project.dictionary_csv import dictionary_csv
from redcap_sync.project.flat import REPEAT_INSTRUMENT

INSTRUMENT = "data_query"
QUERY_ID, CODE, COMMENT, STATUS = "dq_id", "dq_code", "dq_comment", "dq_status"
STATUS_OF_INSTRUMENT = f"{INSTRUMENT}_complete"
Row = TypeVar("Row", bound=Mapping[str, Any])


@cache
def dictionary_rows() -> tuple[Mapping[str, str], ...]:
    """The rows of the instrument in the data dictionary, with the API's names of the columns."""
    text = (files("redcap_sync.write_back") / "data_query.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(io.StringIO(text)))


def field_names() -> tuple[str, ...]:
    """The fields of the instrument, in their order."""
    return tuple(row["field_name"] for row in dictionary_rows())


def instrument_csv() -> str:
    """The instrument as CSV with the headings of REDCap's own pages: rows to add to a project's data dictionary."""
    return dictionary_csv(dictionary_rows())


def data_rows(dictionary: Dictionary, rows: Iterable[Row]) -> Iterator[Row]:
    """The rows of a flat export that are no questions; `dictionary` is the project with the instrument or without."""
    own = any(one.name == INSTRUMENT for one in without_queries(dictionary).instruments)
    return (row for row in rows if own or row.get(REPEAT_INSTRUMENT) != INSTRUMENT)


def concerns_queries_alone(fields: Collection[str]) -> bool:
    """Whether a line of the log that names these fields is about questions, and about nothing else."""
    return bool(fields) and {*field_names(), STATUS_OF_INSTRUMENT}.issuperset(fields)


def missing_fields(dictionary: Dictionary) -> tuple[str, ...]:
    """The fields of the instrument that a project lacks, or has elsewhere."""
    there = {field.name for field in dictionary.fields_of(INSTRUMENT)}
    return tuple(name for name in field_names() if name not in there)


def is_query_instrument(dictionary: Dictionary) -> bool:
    """Whether a project has the instrument: one of its name, with every field of it."""
    return not missing_fields(dictionary)


def without_queries(dictionary: Dictionary) -> Dictionary:
    """The project without the instrument: questions about data are no data, and nothing is asked about them.

    An instrument that only has its name is one of the project's own, and stays.
    """
    if not is_query_instrument(dictionary):
        return dictionary
    return replace(
        dictionary,
        fields=tuple(field for field in dictionary.fields if field.instrument != INSTRUMENT),
        instruments=tuple(one for one in dictionary.instruments if one.name != INSTRUMENT),
        designations=frozenset(pair for pair in dictionary.designations if pair[1] != INSTRUMENT),
        repeating=frozenset(pair for pair in dictionary.repeating if pair[1] != INSTRUMENT),
    )
