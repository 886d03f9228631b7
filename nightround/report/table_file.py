"""The tables of a plan as a file: result rows as CSV, one statistic a line, or the printed tables for Word."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path

from nightround.model.language import Language
from nightround.model.result import ResultRow, ResultSet
from nightround.report.printing.metrics import read_metrics
from nightround.report.printing.typesetting import FONT_FOLDER
from nightround.report.printing.word_file import document_of, same_bytes
from nightround.report.tables.column_widths import in_columns
from nightround.report.tables.planned_tables import table_view
from nightround.study.plan import Plan
from nightround.texts.catalogue import read_wording
from nightround.texts.csv_text import csv_text

NO_TIME = datetime(1980, 1, 1)  # noqa: DTZ001 - the same tables give the same bytes, whenever they are written
CSV = ".csv"


def rows_csv(found: ResultSet) -> bytes:
    """Every result row, in the form that `nightround results compare` reads."""
    names = [one.name for one in fields(ResultRow)]
    return csv_text(names, (asdict(row) for row in found)).encode()


def tables_word(plan: Plan, found: ResultSet, templates: Path, language: Language) -> bytes:
    """The tables of the plan as the report prints them, one a page."""
    say = read_wording((templates,), language)
    metrics = read_metrics(templates / FONT_FOLDER)
    views = [
        in_columns(table_view(plan, table, found, say, str(number)), metrics)
        for number, table in enumerate(plan.tables, start=1)
    ]
    return same_bytes(document_of(views, say, made_at=NO_TIME))
