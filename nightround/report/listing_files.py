"""The listings behind a report as files beside it: a page each language, and a line a record. None is ever mailed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from nightround.model.language import Language
from nightround.model.snapshot import Snapshot
from nightround.report.edition import Edition
from nightround.report.making import Press
from nightround.report.numbers.computing import patients_of
from nightround.report.numbers.facts import Version
from nightround.report.numbers.gathering import inputs_of
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.numbers.listings import CountSource, RecordListing, listings_of
from nightround.report.open_version.opened import open_inputs
from nightround.report.printing.context import moment
from nightround.report.printing.render import environment, template_folders
from nightround.report.printing.typesetting import pdf_bytes
from nightround.report.self_audit.gate import require_printed
from nightround.report.tables.listing_lines import FIELDS, listing_note, listing_rows, listing_tables
from nightround.report.tables.views import Note, TableView
from nightround.texts.catalogue import read_wording
from nightround.texts.csv_text import csv_text
from redcap_sync.private_files import write_private

LISTINGS = "listings"
"""The folder in the reports folder that listings go to."""
PAGE = "listings/listings.html.j2"


@dataclass(frozen=True)
class ListingPage:
    """What the template prints, in one language."""

    language: Language
    title: str
    synthetic: bool
    made_at: datetime
    cutoff: str
    note: Note
    tables: tuple[TableView, ...]


def make_listings(press: Press, edition: Edition, snapshot: Snapshot, version: Version, stem: str) -> list[Path]:
    """Write the listings of a version of a report: one PDF each language, one CSV with a line a record.

    Records are named where the study lets them be named in messages; else by their number in the order of the export.
    """
    patients = patients_of(edition.plan, snapshot)
    closed = inputs_of(edition, snapshot, patients)
    inputs = open_inputs(closed) if version == "open" else closed
    counted = CountSource(edition.plan, snapshot, patients)
    found = tuple(listings_of(counted, inputs.results, inputs.delta.in_doubt))
    if not inputs.record_ids:
        numbers = {str(record): str(number) for number, record in enumerate(patients.index, start=1)}
        found = tuple(numbered(found, numbers))
    pages = {language: page_of(found, inputs, language, press.templates) for language in inputs.languages}
    printed = {
        language: pdf_bytes(page, made_at=inputs.run.data_cutoff, templates=press.templates)
        for language, page in pages.items()
    }
    require_printed(printed, pages)
    folder, name = press.folder / LISTINGS, f"{stem}{'_open' if version == 'open' else ''}_listings"
    lines = csv_text(FIELDS, listing_rows(found)).encode()
    return [
        *(write_private(folder / f"{name}_{language}.pdf", content) for language, content in printed.items()),
        write_private(folder / f"{name}.csv", lines),
    ]


def numbered(listings: tuple[RecordListing, ...], numbers: dict[str, str]) -> Iterator[RecordListing]:
    """The listings with numbers in the place of record ids."""
    for one in listings:
        records = sorted((numbers.get(record, "?") for record in one.records), key=lambda text: (len(text), text))
        yield one._replace(records=tuple(records))


def page_of(found: tuple[RecordListing, ...], inputs: ReportInputs, language: Language, templates: Path) -> str:
    """The page of the listings in one language."""
    folders = template_folders(templates, inputs.study)
    say = read_wording(folders, language)
    page = ListingPage(
        language=language,
        title=inputs.title.in_(language),
        synthetic=inputs.synthetic,
        made_at=inputs.run.data_cutoff,
        cutoff=moment(inputs.run.data_cutoff),
        note=listing_note(inputs, say),
        tables=tuple(replace(one) for one in listing_tables(found, inputs, say)),
    )
    study = folders[1] if len(folders) > 1 else None
    return environment(templates, study).get_template(PAGE).render(page=page, say=say)


def listings_in(folder: Path) -> Iterator[Path]:
    """Every file of listings in a folder of reports; each may name any record."""
    yield from sorted((folder / LISTINGS).glob("*_listings*"))
