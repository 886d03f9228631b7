"""The counts of A to I on real projects are those of plain loops over the XML itself.

Nothing of the reader, the tables or the checks is shared; only branching logic and formulas are worked out by the
plain interpreter. Skipped where the real projects are not at hand.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from statistics import mean, stdev
from xml.etree import ElementTree as ET

import pytest

from nightround.cli.main import main
from redcap_sync.logic import holds, interpret, parse

REAL = Path(__file__).parents[3] / "shared" / "redcap_projects"
EVERY_FILE = sorted(REAL.rglob("*.xml")) if REAL.exists() else []
ODM = "{http://www.cdisc.org/ns/odm/v1.3}"
OURS = "{https://projectredcap.org}"
NOT_CELLS = re.compile(r".+_complete|.+_timestamp|redcap_data_access_group|redcap_survey_identifier")
FORMS = {
    "int": r"[-+]?[0-9]+",
    "float": r"[-+]?[0-9]*\.?[0-9]+",
    "email": r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}",
    "phone": r"[-().\s0-9x]{10,}",
    "phone_australia": r"[()0-9\s]{10,}",
    "phone_uk": r".*",
    "zipcode": r"[0-9]{5}(-[0-9]{4})?",
    "postalcode_australia": r"[0-9]{4}",
    "postalcode_canada": r"[A-Z][0-9][A-Z] ?[0-9][A-Z][0-9]",
    "postalcode_french": r"[0-9]{4,5}",
    "postalcode_germany": r"[0-9]{5}",
    "ssn": r"[0-9]{3}-[0-9]{2}-[0-9]{4}",
    "mrn_10d": r"[0-9]{10}",
    "mrn_generic": r"[A-Za-z0-9_-]+",
    "vmrn": r"[0-9]{4,9}",
    "alpha_only": r"[A-Za-z]+",
    "signature": r".*",
    "time": r"[0-9]{1,2}:[0-9]{2}",
    "time_hh_mm_ss": r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}",
    "time_mm_ss": r"[0-9]{2}:[0-9]{2}",
    **{f"number_{n}dp": rf"-?[0-9]+\.[0-9]{{{n}}}" for n in range(1, 5)},
    **{f"number_{n}dp_comma_decimal": rf"-?[0-9]+,[0-9]{{{n}}}" for n in range(1, 5)},
    "number_comma_decimal": r"[-+]?[0-9]*,?[0-9]+",
}
LAYOUTS = {"date": "%Y-%m-%d", "datetime": "%Y-%m-%d %H:%M", "datetime_seconds": "%Y-%m-%d %H:%M:%S"}
Place = tuple[str, str, str, int]
"""Record, event, repeating instrument, instance."""


@dataclass
class Item:
    """A field as the file describes it."""

    name: str
    form: str
    type: str
    validation: str
    branching: str
    calculation: str
    annotation: str
    required: bool
    codes: list[str]
    low: str = ""
    high: str = ""
    columns: list[str] = field(default_factory=list)


@dataclass
class Raw:
    """A project XML in plain lists and dictionaries."""

    id_field: str
    longitudinal: bool
    forms_at: dict[str, list[str]]
    repeating: set[tuple[str, str]]
    items: list[Item]
    rows: dict[Place, dict[str, str]]


def read_raw(path: Path) -> Raw:
    """Read what the rules need."""
    root = ET.fromstring(path.read_bytes())  # noqa: S314 - files of the test data
    meta = next(root.iter(f"{ODM}MetaDataVersion"))
    events = [(e.get(f"{OURS}UniqueEventName", ""), e) for e in root.iter(f"{ODM}StudyEventDef")]
    longitudinal = len(events) > 1
    forms = [form.get(f"{OURS}FormName", "") for form in root.iter(f"{ODM}FormDef")]
    forms_at = {
        name: [ref.get("FormOID", "").removeprefix("Form.") for ref in event.iter(f"{ODM}FormRef")]
        for name, event in events
        if longitudinal
    } or {"": forms}
    repeating = {
        (one.get(f"{OURS}UniqueEventName", "") if longitudinal else "", one.get(f"{OURS}RepeatInstrument", ""))
        for kind in ("RepeatingInstrument", "RepeatingEvent")
        for one in root.iter(f"{OURS}{kind}")
    }
    raw = Raw(meta.get(f"{OURS}RecordIdField", ""), longitudinal, forms_at, repeating, items_of(root), {})
    for subject in root.iter(f"{ODM}SubjectData"):
        for place, name, value in stored_in(subject, raw):
            raw.rows.setdefault(place, {})[name] = value
    for record, event, form, _ in list(raw.rows):
        if form:
            raw.rows.setdefault((record, event, "", 0), {})
    return raw


def items_of(root: ET.Element) -> list[Item]:
    """Every field in the order of its forms; a checkbox once."""
    groups = {
        g.get("OID"): [r.get("ItemOID", "") for r in g.iter(f"{ODM}ItemRef")] for g in root.iter(f"{ODM}ItemGroupDef")
    }
    definitions = {item.get("OID", ""): item for item in root.iter(f"{ODM}ItemDef")}
    lists = {one.get("OID"): one for one in root.iter(f"{ODM}CodeList")}
    found: dict[str, Item] = {}
    for form in root.iter(f"{ODM}FormDef"):
        for oid in (oid for ref in form.iter(f"{ODM}ItemGroupRef") for oid in groups[ref.get("ItemGroupOID")]):
            item = definitions.get(oid)
            if item is None or NOT_CELLS.fullmatch(oid):
                continue
            name = item.get(f"{OURS}Variable", oid)
            if name not in found:
                found[name] = item_of(name, form.get(f"{OURS}FormName", ""), item, lists)
            found[name].columns.append(oid)
    return list(found.values())


def item_of(name: str, form: str, item: ET.Element, lists: dict[str | None, ET.Element]) -> Item:
    """One field."""
    ref = next(item.iter(f"{ODM}CodeListRef"), None)
    codes = lists.get(ref.get("CodeListOID")) if ref is not None else None
    made = Item(
        name,
        form,
        item.get(f"{OURS}FieldType", ""),
        item.get(f"{OURS}TextValidationType", ""),
        item.get(f"{OURS}BranchingLogic", ""),
        item.get(f"{OURS}Calculation", ""),
        item.get(f"{OURS}FieldAnnotation", ""),
        item.get(f"{OURS}RequiredField", "") == "y",
        [c.get("CodedValue", "") for c in codes.iter(f"{ODM}CodeListItem")] if codes is not None else [],
    )
    for check in item.iter(f"{ODM}RangeCheck"):
        value = check.findtext(f"{ODM}CheckValue") or ""
        if check.get("Comparator") == "GE":
            made.low = value
        else:
            made.high = value
    return made


def stored_in(subject: ET.Element, raw: Raw) -> Iterator[tuple[Place, str, str]]:
    """Every value that is not blank, with its place."""
    record = subject.get("SubjectKey", "")
    visits = list(subject.iter(f"{ODM}StudyEventData")) or [subject]
    for visit in visits:
        event = visit.get("StudyEventOID", "").removeprefix("Event.") if raw.longitudinal else ""
        for form in visit.iter(f"{ODM}FormData"):
            name = form.get("FormOID", "").removeprefix("Form.")
            place = (record, event, "", 0)
            if (event, name) in raw.repeating:
                place = (record, event, name, int(form.get("FormRepeatKey", "1")))
            elif (event, "") in raw.repeating:
                place = (record, event, "", int(visit.get("StudyEventRepeatKey", "1")))
            for data in form.iter():
                value = data.get("Value") or (data.text or "").strip()
                if data.get("ItemOID") and value:
                    yield place, data.get("ItemOID", ""), value


@dataclass
class Cell:
    """A field in a row, with what the row's logic sees."""

    place: Place
    item: Item
    value: str
    seen: dict[str, str]


def cells(raw: Raw) -> Iterator[Cell]:
    """Section 1 of the reference: which cells exist."""
    for place, values in raw.rows.items():
        record, event, form, _ = place
        base = raw.rows.get((record, event, "", 0), {})
        seen: dict[str, str] = {}
        for (other, elsewhere, repeated, instance), stored in raw.rows.items():
            if other == record and not repeated and not instance:
                seen |= {f"[{elsewhere}][{name}]": text for name, text in stored.items()}
        seen |= base | values
        for item in raw.items:
            if item.type == "checkbox":
                seen |= {name: seen.get(name, "0") for name in item.columns}
        for item in raw.items:
            belongs = item.form == form if form else (event, item.form) not in raw.repeating
            if item.name == raw.id_field or item.type == "descriptive" or not belongs:
                continue
            if item.form in raw.forms_at.get(event, []):
                ticked = [name for name in item.columns if values.get(name) == "1"]
                value = "ticked" * bool(ticked) if item.type == "checkbox" else values.get(item.name, "")
                if item.validation.startswith("datetime"):
                    value = value.replace("T", " ")
                yield Cell(place, item, value, seen)


def well_formed(validation: str, value: str) -> bool:
    """Whether a stored value looks like its type."""
    layout = LAYOUTS.get(validation.rpartition("_")[0])
    if layout is None:
        return re.fullmatch(FORMS[validation], value) is not None
    try:
        return datetime.strptime(value, layout) is not None  # noqa: DTZ007
    except ValueError:
        return False


def outside(item: Item, value: str) -> bool:
    """Whether a value lies outside its bounds, as number or as date in stored form."""
    if not well_formed(item.validation, value):
        return False
    if item.validation.startswith(("date", "time")):
        return bool((item.low and value < item.low) or (item.high and value > item.high))
    number = float(value.replace(",", "."))
    low, high = (float(text.replace(",", ".")) if text else number for text in (item.low, item.high))
    return not low <= number <= high


def broken_by_hand(raw: Raw, now: datetime) -> set[tuple[str, str, str, int, str]]:
    """(letter, record, event, instance, field) of every discrepancy."""
    found = set()
    numbers: dict[str, list[tuple[Cell, float]]] = defaultdict(list)
    for cell in cells(raw):
        item, value = cell.item, cell.value
        shown = not item.branching or holds(parse(item.branching), cell.seen, now=now)
        letters = {
            "A": not value and shown,
            "B": not value and shown and item.required,
            "C": bool(value)
            and item.type == "text"
            and item.validation != ""
            and not well_formed(item.validation, value),
            "D": bool(value) and item.type == "text" and bool(item.low or item.high) and outside(item, value),
            "F": bool(value) and not shown,
            "G": bool(value) and item.type in ("radio", "select") and value not in item.codes,
            "H": item.type == "calc" and item.calculation.strip() != "" and not same(value, calculated(cell, now)),
        }
        found |= {(letter, *cell.place[:2], cell.place[3], item.name) for letter, is_so in letters.items() if is_so}
        if value and (item.type in ("calc", "slider") or item.validation in ("int", "float")):
            numbers[item.name].append((cell, float(value)))
    for several in numbers.values():
        values = [value for _, value in several]
        for cell, value in several:
            if len(values) > 1 and abs(value - mean(values)) > 2 * stdev(values) * (1 + 1e-9):
                found.add(("E", *cell.place[:2], cell.place[3], cell.item.name))
    return found


def calculated(cell: Cell, now: datetime) -> str:
    """What a formula gives now, '' where it gives no number."""
    value = interpret(parse(cell.item.calculation), cell.seen, now=now)
    return "" if value == "" else f"{float(value):.14g}"


def same(stored: str, computed: str) -> bool:
    """Equal as numbers, or both blank."""
    if not stored or not computed:
        return stored == computed
    return abs(float(stored) - float(computed)) <= 1e-9 * max(abs(float(stored)), abs(float(computed)))


@pytest.mark.parametrize("path", EVERY_FILE, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_command_counts_what_plain_loops_count(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each discrepancy that the command names is found by hand, and each that is found by hand is named."""
    said = []
    for form in ("--json", "--parity"):
        with pytest.raises(SystemExit) as ended:
            main(["try", str(path), form])
        assert not ended.value.code
        said.append(capsys.readouterr().out)
    rules, parity = json.loads(said[0])["rules"], said[1]
    named = {
        (rule["id"], row["record"], row["event"], row["instance"], row["field"])
        for rule in rules
        if rule["id"].isalpha()
        for row in rule["rows"]
    }
    by_hand = broken_by_hand(read_raw(path), datetime.now())  # noqa: DTZ005 - the command's own clock
    assert named == by_hand
    for rule in rules:
        assert rule["discrepancies"] == len(rule["rows"])
        count = f"{rule['discrepancies']}{'[+]' if rule['status'] == 'could_not_be_evaluated' else ''}"
        assert re.search(rf"^ ?{rule['id']} .* {count} *$", parity, re.MULTILINE)
