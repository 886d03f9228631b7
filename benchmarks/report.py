"""The report against a bare render of its own HTML, and next to Chromium's print and Typst on the same content.

    make demo && python -m benchmarks.report [--data demo] [--rounds 5] [--listing]

Ours is everything between numbers and files: both contexts, the page, the gate, the worker that typesets PDF/A-3a with
its attachments. Bare is WeasyPrint called on that very page, the same variant, the same fonts, nothing attached. Each
render is a process of its own; CPU seconds and peak memory are those of the process. Candidates run in turn, and
medians are shown. Chromium is used where `chromium` is installed, Typst where the package `typst` is.

With `--listing` a table of more and more rows is rendered instead: what a report would cost that printed them all.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import pypdfium2

from benchmarks.processes import run
from nightround.model.language import Language
from nightround.report.making import Pages, pages_of
from nightround.report.numbers.gathering import inputs_of
from nightround.report.numbers.inputs import ReportInputs
from nightround.report.printing.attachments import attachments
from nightround.report.printing.context import ReportContext
from nightround.report.printing.render import html
from nightround.report.printing.typesetting import assets, worker_environment
from nightround.report.register import Register
from nightround.report.self_audit.gate import contradictions
from nightround.report.tables.views import Cell, Row, TableColumn, TableView
from nightround.snapshots.snapshot_store import SnapshotStore

STUDY = "venous_occlusion"
TEMPLATES = Path(__file__).parents[1] / "report_templates"
SMALLEST_LINE = 3
LISTED = (50, 400, 800, 1600, 3200)
LISTED_COLUMNS = 8
BARE = """
import sys, warnings
warnings.simplefilter("ignore")
import weasyprint
page = open(sys.argv[1], encoding="utf-8").read()
weasyprint.HTML(string=page).write_pdf(sys.argv[2], pdf_variant="pdf/a-3a", pdf_tags=True)
"""
PLAIN = BARE.replace(', pdf_variant="pdf/a-3a", pdf_tags=True', "")
TYPST = "import sys, typst; typst.compile(sys.argv[1], output=sys.argv[2], font_paths=[sys.argv[3]])"


@dataclass(frozen=True)
class Render:
    """One render: CPU and wall seconds, peak memory of the process in MB, and the file."""

    cpu: float
    wall: float
    memory: float
    content: bytes


def measured(command: list[str], environment: Mapping[str, str], out: Path, given: str = "") -> Render:
    """Run a command in a process of its own; its file is `out`, or its standard output where nothing is written."""
    used = run(command, environment, given=given)
    content = out.read_bytes() if out.exists() else used.printed
    out.unlink(missing_ok=True)
    return Render(used.cpu, used.wall, used.memory, content)


@dataclass(frozen=True)
class Bench:
    """One report in one language, ready to be rendered every way."""

    inputs: ReportInputs
    context: ReportContext
    page: str
    folder: Path
    environment: Mapping[str, str]

    def ours(self) -> Render:
        """The worker, as a report is delivered."""
        job = {
            "html": self.page,
            "assets": {name: str(path) for name, path in assets((TEMPLATES,)).items()},
            "made_at": self.inputs.run.data_cutoff.isoformat(),
            "attachments": [vars(one) for one in attachments(self.inputs)],
            "memory_limit": 2 * 1024**3,
        }
        command = [sys.executable, "-m", "nightround.report.printing.pdf"]
        return measured(command, self.environment, self.folder / "none", json.dumps(job))

    def python(self, program: str) -> Render:
        """WeasyPrint called on the page by a short program."""
        page = self.folder / "page.html"
        page.write_text(self.page, encoding="utf-8")
        out = self.folder / "out.pdf"
        return measured([sys.executable, "-c", program, str(page), str(out)], self.environment, out)

    def chromium(self) -> Render:
        """Chromium's own print of the page; its memory is that of its first process alone."""
        page, out = self.folder / "page.html", self.folder / "out.pdf"
        page.write_text(self.page, encoding="utf-8")
        shutil.copytree(TEMPLATES / "fonts", self.folder / "fonts", dirs_exist_ok=True)
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", f"--print-to-pdf={out}"]
        profile = f"--user-data-dir={self.folder / 'profile'}"
        return measured(["chromium", *options, profile, page.as_uri()], self.environment, out)

    def typst(self) -> Render:
        """The same texts, tables and figures set by Typst."""
        source, out = self.folder / "page.typ", self.folder / "out.pdf"
        source.write_text(typst_source(self.context, self.page, self.folder), encoding="utf-8")
        command = [sys.executable, "-c", TYPST, str(source), str(out), str(TEMPLATES / "fonts")]
        return measured(command, self.environment, out)


def typst_source(context: ReportContext, page: str, folder: Path) -> str:
    """The report as a Typst document; figures are the page's own SVG, as files next to it."""
    drawings = page.split("<svg ")[1:]
    lines = ['#set text(font: "Report Sans", size: 8pt)', '#set heading(numbering: "1")', f"= {quoted(context.title)}"]
    number = 0
    for chapter in context.chapters:
        lines += ["#pagebreak()", f"= {quoted(chapter.title)}"]
        lines += [f"- {quoted(text)}" for text in context.headlines] if chapter.kind == "summary" else []
        for part in chapter.parts:
            if isinstance(part, TableView):
                lines.append(typst_table(part))
            else:
                drawing = folder / f"figure{number}.svg"
                svg = drawings[number].split("</svg>")[0]
                drawing.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" {svg}</svg>', encoding="utf-8")
                lines.append(f'#image("{drawing.name}", width: 100%)')
                number += 1
    for paragraph in context.methods:
        lines += [
            f"== {quoted(paragraph.title)}",
            *map(quoted, paragraph.texts),
            *(f"- {quoted(t)}" for t in paragraph.listed),
        ]
    return "\n\n".join(lines)


def typst_table(table: TableView) -> str:
    """A three-line table in Typst."""
    width = len(table.columns) + 1
    cells = [table.label_head, *(column.head for column in table.columns)]
    for row in table.rows:
        printed = [cell.printed for cell in row.cells]
        cells += [row.label, *printed, *[""] * (width - 1 - len(printed))]
    body = ", ".join(f"[{quoted(cell)}]" for cell in cells)
    rules = "table.hline(y: 0), table.hline(y: 1), table.hline()"
    return f"*{quoted(table.title)}*\n#table(columns: {width}, stroke: none, {rules}, {body})"


def quoted(text: str) -> str:
    """A text that Typst reads as nothing but text."""
    return "".join(f"\\{one}" if one in "\\#$*_`<>@[]=-+/~" else one for one in text)


def read_report(data: Path) -> tuple[ReportInputs, Pages, float]:
    """The newest report of a data folder, made into pages again, with the CPU seconds of pages and gate."""
    register = Register.read(data / STUDY / "reports")
    if not register.entries:
        raise SystemExit(f"no report in {data}: run `make demo` first, or name its folder with --data")
    snapshot_id = register.entries[-1].snapshot
    edition = register.edition(snapshot_id)
    assert edition is not None  # noqa: S101 - it is written with every report
    snapshot = SnapshotStore(data / STUDY / "snapshots").load(snapshot_id, STUDY)
    inputs = inputs_of(edition, snapshot)
    began = time.process_time()
    pages = pages_of(inputs, TEMPLATES)
    assert not list(contradictions(inputs, inputs.results, pages.html, pages.contexts))  # noqa: S101 - the gate
    return inputs, pages, time.process_time() - began


def candidates(bench: Bench) -> dict[str, Callable[[], Render]]:
    """Every way to render that there is on this machine."""
    found: dict[str, Callable[[], Render]] = {
        "ours": bench.ours,
        "bare render, PDF/A-3a tagged": lambda: bench.python(BARE),
        "bare render, plain PDF": lambda: bench.python(PLAIN),
    }
    if shutil.which("chromium"):
        found["Chromium print"] = bench.chromium
    if find_spec("typst"):
        found["Typst"] = bench.typst
    return found


def report(language: Language, inputs: ReportInputs, pages: Pages, rounds: int, before: float) -> None:
    """Measure one language and print a line a candidate."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = worker_environment(TEMPLATES / "fonts", folder, os.environ)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [environment["PYTHONPATH"], *sys.path[1:]]))
        bench = Bench(inputs, pages.contexts[language], pages.html[language], folder, environment)
        found = candidates(bench)
        runs: dict[str, list[Render]] = {one: [] for one in found}
        for _ in range(rounds):
            for one, render in found.items():
                runs[one].append(render())
    bare = statistics.median(run.cpu for run in runs["bare render, PDF/A-3a tagged"])
    print(f"\n{language}: pages and gate of both languages {before:.2f} s CPU, half of it counted with ours")
    print("| way | CPU s | to bare | wall s | memory MB | kB | pages | identical bytes |")
    print("|---|---|---|---|---|---|---|---|")
    for one, renders in runs.items():
        cpu = statistics.median(run.cpu for run in renders) + (before / 2 if one == "ours" else 0)
        wall, memory = (statistics.median(getattr(run, part) for run in renders) for part in ("wall", "memory"))
        size, count = len(renders[0].content) / 1000, len(pypdfium2.PdfDocument(renders[0].content))
        same = len({hashlib.sha256(run.content).digest() for run in renders}) == 1
        print(f"| {one} | {cpu:.2f} | {cpu / bare:.2f} | {wall:.2f} | {memory:.0f} | {size:.0f} | {count} | {same} |")


def listing_page(context: ReportContext, rows: int) -> str:
    """The first chapter's page with nothing on it but a table of `rows` rows and eight columns."""
    columns = tuple(
        TableColumn(f"field {number}", width=88 / (LISTED_COLUMNS - 1)) for number in range(1, LISTED_COLUMNS)
    )
    cells = tuple(Cell(f"{number * 12.5:.1f}") for number in range(1, LISTED_COLUMNS))
    table = TableView(
        "listing", "9", "A listing", "record", columns, tuple(Row(str(n), cells) for n in range(rows)), label_width=12
    )
    chapter = replace(context.chapters[1], parts=(table,))
    return html(replace(context, chapters=(chapter,), headlines=(), methods=()), TEMPLATES)


def listing(inputs: ReportInputs, context: ReportContext, rounds: int) -> None:
    """Measure how a listing grows, a line a length; the first length stands for what every file costs."""
    runs: dict[int, list[Render]] = {rows: [] for rows in LISTED}
    with tempfile.TemporaryDirectory() as name:
        environment = worker_environment(TEMPLATES / "fonts", Path(name), os.environ)
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [environment["PYTHONPATH"], *sys.path[1:]]))
        for _ in range(rounds):
            for rows, renders in runs.items():
                bench = Bench(inputs, context, listing_page(context, rows), Path(name), environment)
                renders.append(bench.ours())
    print("| rows | pages | CPU s | CPU s a page beyond the first | memory MB |")
    print("|---|---|---|---|---|")
    first: tuple[int, float] | None = None
    for rows, renders in runs.items():
        pages = len(pypdfium2.PdfDocument(renders[0].content))
        cpu, memory = (statistics.median(getattr(run, part) for run in renders) for part in ("cpu", "memory"))
        first = first or (pages, cpu)
        each = f"{(cpu - first[1]) / (pages - first[0]):.2f}" if pages > first[0] else ""
        print(f"| {rows} | {pages} | {cpu:.1f} | {each} | {memory:.0f} |")


def main() -> None:
    """Measure both languages, or a listing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("demo"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--listing", action="store_true")
    given = parser.parse_args()
    inputs, pages, before = read_report(given.data)
    if given.listing:
        listing(inputs, pages.contexts["en"], given.rounds)
        return
    for language in pages.html:
        report(language, inputs, pages, given.rounds, before)


if __name__ == "__main__":
    main()
