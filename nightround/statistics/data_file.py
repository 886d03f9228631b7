"""Read a table of patients from a text file: one row a patient, or REDCap's own export with a row an event."""

from __future__ import annotations

import csv
import difflib
import io
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from math import isfinite
from pathlib import Path

import pandas as pd

from nightround.study.plan import FieldRef
from redcap_sync.errors import ProjectFileWrong
from redcap_sync.messages import Message

DELIMITERS = (",", ";", "\t", "|")
EVENT = "redcap_event_name"
_REPEAT = ("redcap_repeat_instrument", "redcap_repeat_instance")
_IDS = frozenset(
    {"record_id", "record", "id", "study_id", "patient_id", "subject_id", "编号", "病例号", "病案号", "受试者编号"}
)
_NO_TEXT = {
    b"PK\x03\x04": "data.kind.excel",
    b"\xd0\xcf\x11\xe0": "data.kind.old_excel",
    b"%PDF": "data.kind.portable",
}


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
    identifier = _identifier(path, header, record_id)
    frame = _without_codes(pd.DataFrame(rows, columns=pd.Index(header), dtype="str"), missing, identifier)
    if EVENT in header and any(reference.event for reference in references):
        return _by_patient(path, frame, references, identifier or header[0])
    _require_columns(path, header, references)
    if identifier is not None:
        _require_one_row_each(path, frame[identifier])
    return frame


def _without_codes(frame: pd.DataFrame, missing: Collection[str], identifier: str | None) -> pd.DataFrame:
    """Blank the codes that stand for a missing value: -99 also where it is written -99.0; never a patient's id."""
    numbers = [float(code) for code in missing if _is_number(code)]
    for column in frame.columns if missing else ():
        if column != identifier:
            coded = frame[column].isin(list(missing)) | pd.to_numeric(frame[column], errors="coerce").isin(numbers)
            frame[column] = frame[column].mask(coded, "")
    return frame


def _is_number(text: str) -> bool:
    try:
        return isfinite(float(text))
    except ValueError:
        return False


def _decoded(path: Path, encoding: str | None) -> str:
    raw = path.read_bytes()
    wide = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    kind = next((kind for start, kind in _NO_TEXT.items() if raw.startswith(start)), None)
    if kind is not None or (b"\0" in raw and not wide):
        raise ProjectFileWrong("data.no_csv", file=path.name, kind=Message.of(kind or "data.kind.not_text"))
    try:
        return raw.decode(encoding or ("utf-16" if wide else "utf-8-sig"))
    except LookupError:
        raise ProjectFileWrong("data.codec", encoding=encoding) from None
    except UnicodeDecodeError as error:
        raise _wrong_encoding(path, raw, error) from None


def _wrong_encoding(path: Path, raw: bytes, error: UnicodeDecodeError) -> ProjectFileWrong:
    try:
        raw.decode("gb18030")
    except UnicodeDecodeError:
        return ProjectFileWrong("data.encoding", file=path.name, encoding=error.encoding, byte=error.start)
    return ProjectFileWrong("data.gbk", file=path.name, encoding=error.encoding)


def _delimiter(text: str, references: Sequence[FieldRef]) -> str:
    """The delimiter under which the header has the most planned columns; of equals the one with the most columns."""
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
        raise ProjectFileWrong("data.unreadable", file=path.name, line=reader.line_num, said=str(error)) from None
    _require_header(path, header)
    if not rows:
        raise ProjectFileWrong("data.no_rows", file=path.name)
    return header, rows


def _filled(rows: Iterator[list[str]]) -> Iterator[list[str]]:
    """The rows in which anything stands."""
    return (row for row in rows if any(cell.strip() for cell in row))


def _ragged(path: Path, line: int, cells: int, columns: int) -> ProjectFileWrong:
    return ProjectFileWrong("data.ragged", file=path.name, line=line, cells=cells, columns=columns)


def _require_header(path: Path, header: Sequence[str]) -> None:
    twice = [name for name, count in Counter(header).items() if count > 1]
    if twice:
        raise ProjectFileWrong("data.column_twice", file=path.name, column=twice[0])
    if not header:
        raise ProjectFileWrong("data.empty", file=path.name)


def _require_columns(path: Path, header: Sequence[str], references: Sequence[FieldRef]) -> None:
    absent = [reference.column for reference in references if reference.column not in header]
    if absent:
        raise ProjectFileWrong(
            "data.absent",
            file=path.name,
            column=absent[0],
            planned=len(references),
            absent=len(absent),
            hint=_nearest(absent[0], header, otherwise="data.hint.other_or_translated"),
        )


def _nearest(name: str, known: Sequence[str], *, otherwise: str) -> Message:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return Message.of("data.hint.near", near=near[0]) if near else Message.of(otherwise)


def _identifier(path: Path, header: Sequence[str], named: str | None) -> str | None:
    """The column that names the patient: as asked for, else the first one where its name says so."""
    if named is None:
        return header[0] if header[0].lower() in _IDS else None
    if named in header:
        return named
    hint = _nearest(named, header, otherwise="data.hint.misspelt")
    raise ProjectFileWrong("data.no_identifier", file=path.name, column=named, hint=hint)


def _require_one_row_each(path: Path, ids: pd.Series[str]) -> None:
    again = ids.str.strip().duplicated() & (ids.str.strip() != "")
    if again.any():
        rows = [str(place + 1) for place in again.to_numpy().nonzero()[0][:3]]
        raise ProjectFileWrong(
            "data.repeated", file=path.name, count=int(again.sum()), column=str(ids.name), rows=", ".join(rows)
        )


def _by_patient(path: Path, frame: pd.DataFrame, references: Sequence[FieldRef], identifier: str) -> pd.DataFrame:
    """REDCap's own export: a row an event; a reference [event][field] is the field in the row of its event."""
    once = (frame.reindex(columns=list(_REPEAT)).fillna("") == "").all(axis=1)
    events, found = list(frame[EVENT].unique()), {}
    for reference in references:
        _require_known(path, "data.no_planned_column", reference.field, list(frame.columns))
        if reference.event:
            _require_known(path, "data.no_planned_event", reference.event, events)
        there = frame[once & (frame[EVENT] == reference.event if reference.event else frame[reference.field] != "")]
        _require_one_row_each(path, there[identifier])
        found[reference.column] = there.set_index(identifier)[reference.field]
    return pd.DataFrame(found, index=pd.unique(frame[identifier])).fillna("")


def _require_known(path: Path, code: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise ProjectFileWrong(code, file=path.name, name=name, hint=_nearest(name, known, otherwise="data.hint.other"))
