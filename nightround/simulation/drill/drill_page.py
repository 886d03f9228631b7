"""The page of a drill: tables of cells for a terminal or a Markdown file, and the figure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nightround.model.errors import UsageWrong
from nightround.model.language import Language
from nightround.report.figures.axes import PERCENT_TICKS
from nightround.report.figures.drawing import Drawing, Pen
from nightround.report.figures.intervals import Interval, IntervalTexts, interval_drawing
from nightround.report.printing.metrics import read_metrics
from nightround.report.printing.render import environment
from nightround.simulation.drill.clean_data import DataSource
from nightround.simulation.drill.drill_run import Drill, Share
from nightround.simulation.drill.error_kinds import ErrorKind
from nightround.simulation.own_folder import empty_folder
from nightround.texts.catalogue import in_language, wording
from redcap_sync.private_files import write_private

NONE = "–"
FIGURE = "figure.svg"
TEMPLATE = "figure.svg.j2"


@dataclass(frozen=True)
class PageTable:
    """A table of the page: its heading, a note, the heads of its columns and its cells."""

    title: str
    note: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class DrillPage:
    """What a drill says in one language."""

    def __init__(self, drill: Drill, language: Language) -> None:
        self._drill, self._language = drill, language
        self._say = wording(language)

    @property
    def title(self) -> str:
        """The heading of the page."""
        return self._say("drill.page.title", study=self._drill.study)

    def sentences(self) -> Iterator[str]:
        """What data, how many found, and how many of those that could be seen."""
        drill, say = self._drill, self._say
        if drill.clean.is_made_up:
            yield say("drill.page.synthetic")
        yield say(
            "drill.page.data",
            data=say(DATA_TEXTS[drill.clean.source]),
            records=len(drill.clean.flat.records),
            seed=drill.seed,
            moment=f"{drill.clean.now:%Y-%m-%d %H:%M}",
            rules=len(drill.reads.rules),
        )
        whole = drill.whole
        yield say("drill.page.found", **_share_facts(whole), alarms=len(drill.false_alarms))
        beyond = drill.beyond
        yield say("drill.page.beyond", **_share_facts(beyond)) if beyond.planted else say("drill.page.beyond_none")
        if drill.before and not drill.clean.is_made_up:
            yield say("drill.page.before", count=len(drill.before))

    def kinds(self) -> PageTable:
        """The share of each kind."""
        rows = ((self._name(kind), *_share_cells(self._drill.by_kind[kind.id])) for kind in self._drill.kinds)
        return PageTable(self._say("drill.page.kinds"), "", self._heads("kind", *SHARE), tuple(rows))

    def unseen(self) -> PageTable:
        """What no rule saw, and why."""
        rows = tuple(
            (self._kind_name(one.kind), one.field or NONE, str(one.planted), in_language(one.reason, self._language))
            for one in self._drill.unseen
        )
        note = "" if rows else self._say("drill.page.unseen_none")
        return PageTable(self._say("drill.page.unseen"), note, self._heads("kind", "place", "planted", "reason"), rows)

    def detectable(self) -> PageTable:
        """The detectable size of each number and date."""
        rows = tuple(
            (one.field, *(self._size(size, one.unit) for size in (one.up, one.down))) for one in self._drill.detectable
        )
        note, heads = self._say("drill.page.detectable_note"), self._heads("field", "up", "down")
        return PageTable(self._say("drill.page.detectable"), note, heads, rows)

    def fields(self) -> PageTable:
        """The share of the errors on each field."""
        rows = tuple((name, *_share_cells(share)) for name, share in self._drill.by_field.items())
        note = self._say("drill.page.fields_note")
        return PageTable(self._say("drill.page.fields"), note, self._heads("field", *SHARE), rows)

    def rules(self) -> PageTable:
        """What each rule found of the errors on what it reads."""
        rows = tuple(
            (f"`{name}`", *_share_cells(share), str(alarms))
            for name, (share, alarms) in self._drill.by_rule.items()
            if share.planted or alarms
        )
        note, heads = self._say("drill.page.rules_note"), self._heads("rule", *SHARE, "false_alarms")
        return PageTable(self._say("drill.page.rules"), note, heads, rows)

    def markdown(self) -> str:
        """The whole page as Markdown, with the figure next to it."""
        parts = [f"# {self.title}", "\n".join(self.sentences()), f"![{self._figure_title}]({FIGURE})"]
        for table in (self.kinds(), self.unseen(), self.detectable(), self.fields(), self.rules()):
            parts += [f"## {table.title}", *([table.note] if table.note else []), *_markdown(table)]
        return "\n\n".join(parts) + "\n"

    def drawing(self, pen: Pen) -> Drawing:
        """The figure: the share of each kind with its interval."""
        rows = [self._interval(kind) for kind in self._drill.kinds if self._drill.by_kind[kind.id].planted]
        head = self._say("drill.head.kind"), f"{self._say('drill.head.share')} ({self._say('drill.head.interval')})"
        texts = IntervalTexts(self._figure_title, *head, self._figure_title)
        return interval_drawing(rows, PERCENT_TICKS, texts, pen)

    @property
    def _figure_title(self) -> str:
        return self._say("drill.page.kinds_figure")

    def _interval(self, kind: ErrorKind) -> Interval:
        share = self._drill.by_kind[kind.id]
        low, high = share.interval or (0.0, 1.0)
        text = f"{share.found}/{share.planted} ({_percent(low)}, {_percent(high)})"
        return Interval(self._name(kind), text, 100 * share.found / share.planted, 100 * low, 100 * high)

    def _name(self, kind: ErrorKind) -> str:
        return getattr(kind.title, self._language) or kind.title.en or kind.title.zh

    def _kind_name(self, kind_id: str) -> str:
        return next(self._name(kind) for kind in self._drill.kinds if kind.id == kind_id)

    def _heads(self, *names: str) -> tuple[str, ...]:
        return tuple(self._say(f"drill.head.{name}") for name in names)

    def _size(self, size: float | None, unit: str) -> str:
        if size is None:
            return NONE
        return self._say("drill.page.days", size=f"{size:g}") if unit else f"{size:g}"


SHARE = ("planted", "found", "share", "interval")
DATA_TEXTS = {
    DataSource.SNAPSHOT: "drill.data.snapshot",
    DataSource.COHORT: "drill.data.cohort",
    DataSource.RECORDS: "drill.data.records",
    DataSource.TWIN: "drill.data.twin",
}


def write_page(drill: Drill, out: Path, templates: Path, language: Language) -> tuple[Path, ...]:
    """Write `page.md`, `figure.svg` and `result.json` into a folder; an earlier drill there is replaced."""
    empty_folder(out, "drill", UsageWrong("drill.folder", folder=str(out)))
    page = DrillPage(drill, language)
    document = drill.document(lambda message: in_language(message, "en"))
    files = {
        "page.md": page.markdown(),
        FIGURE: svg_of(page, templates),
        "result.json": json.dumps(document, ensure_ascii=False, indent=1) + "\n",
    }
    return tuple(write_private(out / name, text.encode()) for name, text in files.items())


def svg_of(page: DrillPage, templates: Path) -> str:
    """The figure as a file of its own."""
    drawing = page.drawing(Pen(read_metrics(templates / "fonts")))
    return environment(templates, None).get_template(TEMPLATE).render(drawing=drawing).strip() + "\n"


def _markdown(table: PageTable) -> Iterator[str]:
    if table.rows:
        lines = [table.heads, tuple("---" for _ in table.heads), *table.rows]
        yield "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _share_cells(share: Share) -> tuple[str, str, str, str]:
    ends = share.interval
    percent = _percent(share.found / share.planted) if share.planted else NONE
    return str(share.planted), str(share.found), percent, _interval_text(ends)


def _share_facts(share: Share) -> dict[str, object]:
    planted, found, percent, interval = _share_cells(share)
    return {"planted": int(planted), "found": int(found), "percent": percent, "interval": interval}


def _interval_text(ends: Sequence[float] | None) -> str:
    return f"{_percent(ends[0])} – {_percent(ends[1])}" if ends else NONE


def _percent(share: float) -> str:
    """A share in percent with one decimal; what is not all or nothing is never rounded to it."""
    text = f"{100 * share:.1f}"
    if text == "100.0" and share < 1:
        text = ">99.9"
    return f"{text}%"
