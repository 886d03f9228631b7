"""Read a table of patients from a text file: one row a patient, or REDCap's own export with a row an event."""

from __future__ import annotations

import csv
import difflib
import io
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pandas as pd

from nightround.study.plan import FieldRef
from redcap_sync.errors import ProjectFileWrong

DELIMITERS = (",", ";", "\t", "|")
EVENT = "redcap_event_name"
_REPEAT = ("redcap_repeat_instrument", "redcap_repeat_instance")
_IDS = frozenset(
    {"record_id", "record", "id", "study_id", "patient_id", "subject_id", "编号", "病例号", "病案号", "受试者编号"}
)
_NO_TEXT = {b"PK\x03\x04": "an Excel workbook", b"\xd0\xcf\x11\xe0": "an old Excel workbook", b"%PDF": "a PDF"}
_SAVE = "save it from Excel or SPSS as `CSV UTF-8`"


def read_patients(
    path: Path,
    references: Sequence[FieldRef],
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    record_id: str | None = None,
    missing: Collection[str] = (),
) -> pd.DataFrame:
    """The rows of a file as text, a column for each reference, an index entry for each patient.

    `missing` are codes that stand for a missing value. Raises ProjectFileWrong for a file that is no such table.
    """
    text = _decoded(path, encoding)
    header, rows = _parsed(path, text, delimiter or _delimiter(text, references))
    frame = pd.DataFrame(rows, columns=pd.Index(header), dtype="str").replace(dict.fromkeys(missing, ""))
    identifier = _identifier(path, header, record_id)
    if EVENT in header and any(reference.event for reference in references):
        return _by_patient(path, frame, references, identifier or header[0])
    _require_columns(path, header, references)
    if identifier is not None:
        _require_one_row_each(path, frame[identifier])
    return frame


def _decoded(path: Path, encoding: str | None) -> str:
    raw = path.read_bytes()
    wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    kind = next((kind for start, kind in _NO_TEXT.items() if raw.startswith(start)), None)
    if kind is not None or (b"\0" in raw and not wide):
        raise ProjectFileWrong(f"{path.name} is no CSV file.", why=f"it is {kind or 'not text'}", remedy=_SAVE)
    try:
        return raw.decode(encoding or ("utf-16" if wide else "utf-8-sig"))
    except LookupError:
        raise ProjectFileWrong(
            f"{encoding!r} is no encoding.", why="the name is misspelt", remedy="write utf-8 or gb18030"
        ) from None
    except UnicodeDecodeError as error:
        raise _wrong_encoding(path, raw, error) from None


def _wrong_encoding(path: Path, raw: bytes, error: UnicodeDecodeError) -> ProjectFileWrong:
    try:
        raw.decode("gb18030")
    except UnicodeDecodeError:
        return ProjectFileWrong(
            f"{path.name} is no {error.encoding} text: byte {error.start} cannot be read.",
            why="the file was saved in another encoding",
            remedy=f"{_SAVE}, or name its encoding with --encoding",
        )
    return ProjectFileWrong(
        f"{path.name} is not {error.encoding}, but can be read as GBK (GB18030).",
        why="Excel and SPSS on a Chinese Windows save CSV so",
        remedy=f"add --encoding gb18030, or {_SAVE}",
    )


def _delimiter(text: str, references: Sequence[FieldRef]) -> str:
    """The delimiter under which the header holds the most planned columns; of equals the one with the most columns."""
    first = text.lstrip("\r\n").partition("\n")[0]
    wanted = {name for reference in references for name in (reference.column, reference.field)}

    def found(delimiter: str) -> tuple[int, int]:
        header = {cell.strip() for cell in next(csv.reader([first], delimiter=delimiter), [])}
        return len(wanted & header), len(header)

    return max(DELIMITERS, key=found)


def _parsed(path: Path, text: str, delimiter: str) -> tuple[list[str], list[list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [cell.strip() for cell in next(_filled(reader), [])]
        rows = []
        for row in _filled(reader):
            if len(row) != len(header):
                raise _ragged(path, reader.line_num, len(row), len(header))
            rows.append(row)
    except csv.Error as error:
        raise ProjectFileWrong(
            f"{path.name} cannot be read as CSV: line {reader.line_num}, {error}.",
            why="a quotation mark is not closed, or the file is something else",
            remedy=_SAVE,
        ) from None
    _require_header(path, header)
    if not rows:
        raise ProjectFileWrong(f"{path.name} has no rows.", why="only a header stands in it", remedy="export it again")
    return header, rows


def _filled(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """The rows in which anything stands."""
    return (row for row in rows if any(cell.strip() for cell in row))


def _ragged(path: Path, line: int, cells: int, columns: int) -> ProjectFileWrong:
    return ProjectFileWrong(
        f"{path.name}: line {line} has {cells} cells, the header has {columns}.",
        why="a delimiter stands in a text without quotation marks, or the file is no table",
        remedy="quote the text, or name the delimiter with --delimiter",
    )


def _require_header(path: Path, header: Sequence[str]) -> None:
    twice = [name for name, count in Counter(header).items() if count > 1]
    if not header or twice:
        what = f"has the column {twice[0]!r} twice" if twice else "is empty"
        raise ProjectFileWrong(
            f"{path.name} {what}.", why="each column needs a name of its own", remedy="mend the header"
        )


def _require_columns(path: Path, header: Sequence[str], references: Sequence[FieldRef]) -> None:
    absent = [reference.column for reference in references if reference.column not in header]
    if absent:
        raise ProjectFileWrong(
            f"{path.name} has no column {absent[0]!r}; of {len(references)} planned {len(absent)} are absent.",
            why=_nearest(absent[0], header) or "the plan belongs to other data, or the header is translated",
            remedy="rename the column, or change the reference in the plan",
        )


def _nearest(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"the nearest is {near[0]!r}" if near else ""


def _identifier(path: Path, header: Sequence[str], named: str | None) -> str | None:
    """The column that names the patient: as asked for, else the first one where its name says so."""
    if named is None:
        return header[0] if header[0].lower() in _IDS else None
    if named in header:
        return named
    why = _nearest(named, header) or "the name is misspelt"
    raise ProjectFileWrong(f"{path.name} has no column {named!r}.", why=why, remedy="name another one with --id")


def _require_one_row_each(path: Path, ids: pd.Series[str]) -> None:
    again = ids.str.strip().duplicated() & (ids.str.strip() != "")
    if again.any():
        rows = [str(place + 1) for place in again.to_numpy().nonzero()[0][:3]]
        raise ProjectFileWrong(
            f"{path.name}: {int(again.sum())} rows repeat the {ids.name} of one above: data rows {', '.join(rows)} ...",
            why="a patient stands in it twice, or the file has a row a visit",
            remedy="keep one row a patient; name another identifier with --id",
        )


def _by_patient(path: Path, frame: pd.DataFrame, references: Sequence[FieldRef], identifier: str) -> pd.DataFrame:
    """REDCap's own export: a row an event; a reference [event][field] is the field in the row of its event."""
    once = (frame.reindex(columns=list(_REPEAT)).fillna("") == "").all(axis=1)
    events, found = list(frame[EVENT].unique()), {}
    for reference in references:
        _require_known(path, "column", reference.field, list(frame.columns))
        if reference.event:
            _require_known(path, "event", reference.event, events)
        there = frame[once & (frame[EVENT] == reference.event if reference.event else frame[reference.field] != "")]
        _require_one_row_each(path, there[identifier])
        found[reference.column] = there.set_index(identifier)[reference.field]
    return pd.DataFrame(found, index=pd.unique(frame[identifier])).fillna("")


def _require_known(path: Path, kind: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise ProjectFileWrong(
            f"{path.name} has no {kind} {name!r}, which the plan needs.",
            why=_nearest(name, known) or "the plan belongs to other data",
            remedy="compare the references of the plan with the data dictionary",
        )
