"""Makes a report: its numbers, its pages in both languages, the gate, the PDFs, and what is kept next to them.

Nothing is written before the gate is passed. What is written depends on the snapshot and the stored edition alone.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from nightround.model.language import Language
from nightround.model.result import ResultSet
from nightround.model.snapshot import Snapshot
from nightround.report.edition import Edition, digest
from nightround.report.numbers.computing import patients_of, results_of
from nightround.report.numbers.facts import Version
from nightround.report.numbers.gathering import inputs_of, news_since_last, side_of
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.open_version.opened import open_inputs
from nightround.report.printing.attachments import attachments
from nightround.report.printing.cleaning import missing_characters
from nightround.report.printing.context import ReportContext, build_report
from nightround.report.printing.render import html, template_folders
from nightround.report.printing.typesetting import pdf_bytes
from nightround.report.printing.word_file import word_bytes
from nightround.report.register import EDITION_FILE, EDITIONS, RESULTS_FILE, Register, results_json
from nightround.report.reported import REGISTER
from nightround.report.self_audit.gate import require_printed, require_sound
from nightround.report.tables.checklist_page import CHECKLISTS
from nightround.snapshots.snapshot_store import SnapshotStore
from nightround.texts.catalogue import read_wording
from redcap_sync.private_files import write_private, write_private_set

log = logging.getLogger(__name__)

FONTS, LICENCES, STYLE = "fonts", "licences", "report.css"
OPEN = "open"
"""The folder of the open version, so that it can be given away without the closed one."""
Files = Mapping[str, bytes]
"""The content of files by their path in the reports folder."""


@dataclass(frozen=True)
class Press:
    """Where the reports of a study are made: its templates, its snapshots, and the folder they go to."""

    templates: Path
    snapshots: SnapshotStore
    folder: Path


@dataclass(frozen=True)
class Made:
    """A finished report that passed the gate."""

    edition: Edition
    files: Files
    results: ResultSet
    stem: str
    """The beginning of its files' names."""


def make_report(press: Press, edition: Edition, snapshot: Snapshot, versions: Sequence[Version]) -> Made:
    """Make the versions of a report; raises SelfAuditFailed where its numbers contradict themselves.

    A report of a snapshot that was reported before, with nothing else changed, is that very report again.
    """
    register = Register.read(press.folder)
    stored = register.edition(snapshot.id)
    if stored is not None and stored.says_as_much_as(edition):
        edition = stored
        inputs = inputs_of(edition, snapshot)
    else:
        patients = patients_of(edition.plan, snapshot)
        inputs = inputs_of(edition, snapshot, patients)
        look = register.look(snapshot.id)
        now = side_of(edition, snapshot, patients, inputs.results)
        news = news_since_last(edition, now, register, press.snapshots)
        edition, inputs = replace(edition, look=look, news=news), replace(inputs, look=look, news=news)
    return make_edition(press, edition, inputs, versions, stem_of(edition, register))


def make_edition(press: Press, edition: Edition, closed: ReportInputs, versions: Sequence[Version], stem: str) -> Made:
    """Make the versions of one edition: pages, gate, PDFs, Word tables and result rows.

    `closed` is what the closed version says. Its numbers are computed a second time for the gate, and only for it.
    """
    again = results_of(edition.plan, press.snapshots.load(edition.run.snapshot_id, edition.study))
    wanted = {"closed": closed, **({"open": open_inputs(closed)} if "open" in versions else {})}
    written = {version: pages_of(wanted[version], press.templates) for version in versions}
    for version, page in written.items():
        same = again if version == "closed" else open_inputs(replace(closed, results=again)).results
        require_sound(page.inputs, same, page.html, page.contexts)
    files: dict[str, bytes] = {}
    for version, page in written.items():
        where = f"{OPEN}/{stem}_{OPEN}" if version == "open" else stem
        files |= files_of(page, press.templates, where)
    return Made(edition, files, closed.results, stem)


@dataclass(frozen=True)
class Pages:
    """A version in both languages, before it is typeset."""

    inputs: ReportInputs
    contexts: Mapping[Language, ReportContext]
    html: Mapping[Language, str]


def pages_of(inputs: ReportInputs, templates: Path) -> Pages:
    """Put one set of numbers into both languages."""
    contexts = {language: build_report(inputs, language, templates) for language in inputs.languages}
    pages = {language: html(context, templates) for language, context in contexts.items()}
    if missing := missing_characters(pages.values(), templates / FONTS):
        log.warning("the report's fonts lack %d characters, printed as boxes: %s", len(missing), " ".join(missing))
    return Pages(inputs, contexts, pages)


def files_of(pages: Pages, templates: Path, stem: str) -> Files:
    """The files of one version."""
    attached = attachments(pages.inputs)
    pdf = partial(
        pdf_bytes,
        made_at=pages.inputs.run.data_cutoff,
        templates=templates,
        template_folders=[templates / pages.inputs.study],
        attachments=attached,
    )
    with ThreadPoolExecutor() as workers:  # each waits for a process of its own
        printed = dict(zip(pages.html, workers.map(pdf, pages.html.values()), strict=True))
    require_printed(printed, pages.html)
    files = {f"{stem}_{one.name}": one.text.encode() for one in attached}
    for language, context in pages.contexts.items():
        files[f"{stem}_{language}.html"] = pages.html[language].encode()
        files[f"{stem}_{language}.pdf"] = printed[language]
        files[f"{stem}_{language}.docx"] = word_bytes(
            context, read_wording(template_folders(templates, context.study), language)
        )
    return files


def stem_of(edition: Edition, register: Register) -> str:
    """The beginning of the file names: study and day of the data, with the hour where that day had a report before."""
    mark = "" if edition.run.complete and edition.coverage.complete else "_INCOMPLETE"
    stem = f"{edition.study}_{edition.run.data_cutoff:%Y-%m-%d}"
    others = (name for one in register.entries if one.snapshot != edition.run.snapshot_id for name in one.files)
    taken = any(name.startswith((f"{stem}_", f"{OPEN}/{stem}_")) for name in others)
    return f"{stem}{f'-{edition.run.data_cutoff:%H%M}' if taken else ''}{mark}"


def deliver(press: Press, made: Made) -> list[Path]:
    """Write a report, what it can be made again from, and its line of the register: all of it, or nothing."""
    register = Register.read(press.folder)
    run = made.edition.run
    looked = any(not name.startswith(f"{OPEN}/") for name in made.files)
    register = register.with_report(run.snapshot_id, run.data_cutoff, made.files, looked_at=looked)
    kept = f"{EDITIONS}/{run.snapshot_id}"
    copy_fonts(press.templates, press.folder / FONTS)
    again = {f"{kept}/{EDITION_FILE}": made.edition.json(), f"{kept}/{RESULTS_FILE}": results_json(made.results)}
    write_private_set(press.folder, {**again, **made.files, REGISTER: register.document().encode()})
    return [press.folder / name for name in made.files]


def copy_fonts(templates: Path, into: Path) -> None:
    """Copy the faces that pages name, with their licences, where they are not there yet.

    One folder for all reports of a study: a browser on a machine without Chinese fonts shows a page as the PDF is.
    """
    fonts, style = templates / FONTS, (templates / STYLE).read_text(encoding="utf-8")
    faces = [path for path in fonts.glob("*.ttf") if path.name in style]
    for path in sorted([*faces, *(fonts / LICENCES).iterdir()]):
        copy, content = into / path.relative_to(fonts), path.read_bytes()
        if not copy.exists() or copy.read_bytes() != content:
            write_private(copy, content)


def hash_of_templates(templates: Path, study: str) -> str:
    """Names every template, text and font a page is made from: ours, and the study's own."""
    found = hashlib.sha256()
    for path in sorted(paths_of_templates(templates, study)):
        found.update(f"{path.relative_to(templates)}\0{digest(path.read_bytes())}\0".encode())
    return found.hexdigest()


def paths_of_templates(templates: Path, study: str) -> Iterable[Path]:
    """The files a page of this study may be made from."""
    ours = [
        *templates.glob("*.*"),
        *(templates / "pages").rglob("*"),
        *(templates / CHECKLISTS).glob("*"),
        *(templates / FONTS).glob("*.ttf"),
    ]
    return (path for path in (*ours, *(templates / study).rglob("*")) if path.is_file())
