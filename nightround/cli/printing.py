"""The only place that prints: one JSON document on stdout, lines, and tables that break no number or word.

Whatever is printed has no secret and no control character but line ends and tabs.
"""

from __future__ import annotations

import io
import json
import logging
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import click

from nightround.texts.catalogue import in_language
from nightround.texts.terminal import terminal_language
from nightround.texts.text_gate import traceback_text
from redcap_sync.clean_text import clean, clean_tree, one_line
from redcap_sync.errors import ExplainedError
from redcap_sync.messages import Message

if TYPE_CHECKING:
    from rich.console import Console

    from nightround.model.language import Language

LOUD_LIBRARIES = ("great_expectations", "apscheduler", "alembic", "weasyprint", "fontTools", "urllib3")
EXIT_BUG = 1
SEPARATOR = 3
"""Cells between two columns: a line with a blank on each side."""
INDENT = "    "
WORDS_OF = {"state": "answers.state", "severity": "severity", "answer_code": "worklist.code"}
"""Where the catalogue has the words that are not those of tables alone."""


def print_json(document: Mapping[str, Any] | Sequence[Any]) -> None:
    """Print one JSON document, the whole of stdout."""
    click.echo(json.dumps(clean_tree(document), ensure_ascii=False, indent=1, allow_nan=False))


def language() -> Language:
    """The language of the terminal; JSON is English everywhere."""
    return terminal_language(os.environ)


def text(code: str, /, **facts: Any) -> str:
    """A text of the catalogue in the language of the terminal."""
    return in_language(Message.of(code, **facts), language())


def in_words(message: Message) -> str:
    """A message in the language of the terminal."""
    return in_language(message, language())


def head(code: str, language: Language | None = None) -> str:
    """The head of a column, or the name of a single fact, in a language; in that of the terminal unless given."""
    return _table_text("printed.head", code, language)


def heads(*codes: str) -> tuple[ListColumn | str, ...]:
    """The heads of columns that are neither numbers nor wrapped."""
    return tuple(map(head, codes))


def value(kind: str, code: str, language: Language | None = None) -> str:
    """The word for a state, a severity or another code that JSON has as it is; '' for none."""
    return _table_text(WORDS_OF.get(kind, f"printed.{kind}"), code, language) if code else ""


def _table_text(section: str, code: str, of_reader: Language | None) -> str:
    return in_language(Message.of(f"{section}.{code}"), of_reader or language())


def say(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print a text on stdout, or on stderr."""
    click.echo(clean(text), err=err, nl=nl)


def print_error(error: ExplainedError, *, as_json: bool) -> None:
    """Explain an error on stderr; a call that asked for JSON gets it as its document too."""
    say(f"nightround: {explained(error)}", err=True)
    if as_json:
        _print_error(error.code, error.exit_code, what=error.what, why=error.why, remedy=error.remedy)


def explained(error: ExplainedError) -> str:
    """An error in the language of the terminal."""
    return in_language(error.shown(), language())


def print_usage_error(error: click.ClickException, *, as_json: bool) -> None:
    """Show a command line that could not be understood, as `print_error` shows an error."""
    shown = io.StringIO()
    error.show(shown)
    say(shown.getvalue(), err=True, nl=False)
    if as_json:
        why, remedy = (str(Message.of(code)) for code in ("terminal.usage.why", "terminal.usage.remedy"))
        _print_error("usage", error.exit_code, what=error.format_message(), why=why, remedy=remedy)


def print_trouble(error: Exception) -> None:
    """Show on stderr what went wrong: an error explained, a bug with its traceback."""
    say(f"nightround: {explained(error)}" if isinstance(error, ExplainedError) else traceback_text(error), err=True)


def print_bug(error: Exception) -> None:
    """Show the traceback of a bug on stderr, for a call that asked for JSON and gets a document too."""
    say(traceback_text(error), err=True)
    what = Message.of("terminal.bug.what", error=type(error).__name__)
    why, remedy = (str(Message.of(code)) for code in ("terminal.bug.why", "terminal.bug.remedy"))
    _print_error("bug", EXIT_BUG, what=str(what), why=why, remedy=remedy)


def _print_error(code: str, exit_code: int, **texts: str) -> None:
    print_json({"error": {"code": code, **texts}, "exit_code": exit_code})


def console() -> Console:
    """The terminal. What is printed to it is never read as markup, nor coloured by what it looks like."""
    from rich.console import Console

    return Console(markup=False, highlight=False)


def printable(text: str) -> str:
    """The text of a cell, with a blank in place of each character that could move a terminal's cursor."""
    return clean("".join(sign if sign.isprintable() else " " for sign in text))


def say_in(style: str, text: str) -> None:
    """Print a text of one line in a style of the terminal, such as bold."""
    console().print(one_line(text), style=style, soft_wrap=True)


def ruled_heading(text: str) -> None:
    """Print a line that goes on as a rule to the end of the terminal."""
    console().rule(one_line(text), align="left")


def log_to_stderr() -> None:
    """Send progress and warnings to stderr: in colour to a terminal, a line each to anything else."""
    logging.basicConfig(level=logging.INFO, handlers=[_handler()])
    for name in LOUD_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


@cache
def error_console() -> Console:
    """The one console on stderr, so that log lines and bars do not write over one another."""
    from rich.console import Console

    return Console(stderr=True)


def is_watched() -> bool:
    """Whether stderr is a terminal, and not a file or a pipe."""
    return sys.stderr.isatty()


def _handler() -> logging.Handler:
    if not is_watched():
        plain = logging.StreamHandler()
        plain.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
        return plain
    from rich.logging import RichHandler

    pretty = RichHandler(console=error_console(), show_path=False)
    pretty.setFormatter(logging.Formatter("%(message)s"))
    return pretty


@dataclass(frozen=True)
class ListColumn:
    """A column of a table. Only one that may `wrap` is made narrower than its cells, and only between words."""

    head: str
    wrap: bool = False
    right: bool = False
    styles: Mapping[str, str] = field(default_factory=dict)
    """The style of a cell by its text."""


def number(head: str) -> ListColumn:
    """A column of numbers."""
    return ListColumn(head, right=True)


def words(head: str) -> ListColumn:
    """A column of text that may go on in a next line."""
    return ListColumn(head, wrap=True)


def print_table(
    columns: Sequence[ListColumn | str],
    rows: Iterable[Sequence[str]],
    *,
    title: str = "",
    stub: int = 1,
    heads: bool = True,
) -> None:
    """Print a table as wide as the terminal.

    Where it is too narrow, the columns come in parts, one below the other, each with the first `stub` columns, which
    name the row; and where not even one column fits next to those, each row becomes a list of its cells.
    """
    made = [ListColumn(one) if isinstance(one, str) else one for one in columns]
    cells = [["\n".join(map(printable, cell.split("\n"))) for cell in row] for row in rows]
    terminal = console()
    parts = [] if not made else _parts(made, cells, terminal.width, stub)
    if title:
        terminal.print(clean(title), style="italic", soft_wrap=True)
    if not parts:
        for line in _listed(made, cells, stub):
            terminal.print(line, soft_wrap=True)
    for place, part in enumerate(parts):
        if place:
            terminal.print("")
        _print_part([made[i] for i in part], [[row[i] for i in part] for row in cells], terminal, heads=heads)


def _parts(columns: Sequence[ListColumn], rows: Sequence[Sequence[str]], room: int, stub: int) -> list[list[int]]:
    """Which columns make up each part; none where a column does not fit next to the stub."""
    least = [_least(column, [row[i] for row in rows]) for i, column in enumerate(columns)]
    first = list(range(stub))
    parts: list[list[int]] = [first]
    for i in range(stub, len(columns)):
        if _width([least[j] for j in [*first, i]]) > room:
            return []
        fits = _width([least[j] for j in [*parts[-1], i]]) <= room
        parts = [*parts[:-1], [*parts[-1], i]] if fits else [*parts, [*first, i]]
    return parts


def _print_part(
    columns: Sequence[ListColumn], rows: Sequence[Sequence[str]], terminal: Console, *, heads: bool
) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.HEAVY_HEAD if heads else None, show_edge=False, show_header=heads, padding=(0, 1))
    widths = _widths(columns, rows, terminal.width)
    for column, width in zip(columns, widths, strict=True):
        head = Text("\n".join(wrapped(column.head, width)))
        table.add_column(head, no_wrap=True, width=width, justify="right" if column.right else "left")
    for row in rows:
        cells = zip(row, columns, widths, strict=True)
        table.add_row(
            *(Text("\n".join(wrapped(cell, width)), column.styles.get(cell, "")) for cell, column, width in cells)
        )
    terminal.print(table)


def _widths(columns: Sequence[ListColumn], rows: Sequence[Sequence[str]], room: int) -> list[int]:
    """As wide as the cells, and where that is too much, the widest of those that may wrap give way first."""
    of_column = [[row[i] for row in rows] for i in range(len(columns))]
    least = [_least(column, cells) for column, cells in zip(columns, of_column, strict=True)]
    widths = [max(map(cells_of, [column.head, *cells])) for column, cells in zip(columns, of_column, strict=True)]
    while _width(widths) > room and widths != least:
        widest = max((i for i in range(len(widths)) if widths[i] > least[i]), key=widths.__getitem__)
        widths[widest] -= 1
    return widths


def _least(column: ListColumn, cells: Sequence[str]) -> int:
    """The narrowest that breaks nothing: the longest word of heads and texts, a whole cell otherwise."""
    whole = [] if column.wrap else cells
    pieces = [piece for text in ([column.head, *cells] if column.wrap else [column.head]) for piece in _pieces(text)]
    return max(1, *(cells_of(text) for text in [*pieces, *whole, ""]))


def _width(widths: Sequence[int]) -> int:
    return sum(widths) + SEPARATOR * len(widths)


def _listed(columns: Sequence[ListColumn], rows: Sequence[Sequence[str]], stub: int) -> Iterator[str]:
    """Each row by itself: what names it, then its other cells below each other."""
    for row in rows:
        yield "  ".join(cell for cell in row[:stub] if cell)
        for column, cell in zip(columns[stub:], row[stub:], strict=True):
            if cell:
                yield f"{INDENT}{column.head}: {cell}"


def cells_of(text: str) -> int:
    """How many places a text takes in a terminal: a Chinese sign takes two."""
    from rich.cells import cell_len

    return max([0, *map(cell_len, text.split("\n"))])


def padded(text: str, width: int) -> str:
    """A text with blanks up to a number of places."""
    return text + " " * (width - cells_of(text))


_WIDE = r"\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef"
_PIECE = re.compile(rf"[^\s{_WIDE}]+|[{_WIDE}][，。；：、！？）”]*|\n|[^\S\n]+")


def _pieces(text: str) -> list[str]:
    """The words of a text; Chinese may be broken after any sign."""
    return [piece for piece in _PIECE.findall(text) if not piece.isspace()]


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines of at most `width` places, broken between words alone; blanks at its beginning are kept."""
    lines = [""]
    for piece in _PIECE.findall(text):
        if piece == "\n":
            lines.append("")
        elif cells_of(lines[-1] + piece) <= width or not lines[-1]:
            lines[-1] += piece
        elif not piece.isspace():
            lines.append(piece)
    return [line.rstrip() for line in lines]
