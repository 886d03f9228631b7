"""Project XML files as REDCap's page would download them, written for tests. Synthetic, all of it.

The writer shares no line with the sandbox's, so that a reader cannot agree with itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

HEAD = (
    '<?xml version="1.0" encoding="UTF-8" ?>\n<ODM xmlns="http://www.cdisc.org/ns/odm/v1.3" '
    'xmlns:redcap="https://projectredcap.org" ODMVersion="1.3.1" SourceSystem="REDCap" SourceSystemVersion="13.8.1">'
)
DIALECT = {"notes": "textarea", "dropdown": "select"}
VALIDATIONS = {"integer": "int", "number": "float"}


@dataclass(frozen=True)
class Item:
    """One field. `choices` is `1, A | 2, B`; `more` are `redcap:` attributes such as BranchingLogic."""

    name: str
    form: str
    type: str = "text"
    validation: str = ""
    choices: str = ""
    minimum: str = ""
    maximum: str = ""
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Opened:
    """One opened instrument: its values by item; `instance` counts where the instrument or the event repeats."""

    record: str
    form: str
    values: Mapping[str, str]
    event: str = ""
    instance: int = 1
    event_instance: int = 1


def project_xml(
    items: Sequence[Item],
    data: Iterable[Opened] = (),
    *,
    events: Mapping[str, Sequence[str]] | None = None,
    repeating: Iterable[tuple[str, str]] = (),
    codes: str = "",
    rules: Iterable[tuple[str, str]] = (),
) -> str:
    """Write a whole project; `repeating` holds (event, instrument), with instrument '' for a whole event."""
    forms = list(dict.fromkeys(item.form for item in items))
    parts = [
        HEAD,
        '<Study OID="Project.1">',
        f"<GlobalVariables><StudyName>SYNTHETIC</StudyName>{_globals(repeating, codes, rules)}</GlobalVariables>",
        '<MetaDataVersion OID="M.1">',
        *(_event(name, names) for name, names in (events or {}).items()),
        *(_form(name, [item for item in items if item.form == name]) for name in forms),
        *(_group(name, [item for item in items if item.form == name]) for name in forms),
        *(_item(item) for item in items),
        "</MetaDataVersion></Study><ClinicalData>",
        *_records(list(data)),
        "</ClinicalData></ODM>\n",
    ]
    return "\n".join(parts)


def _globals(repeating: Iterable[tuple[str, str]], codes: str, rules: Iterable[tuple[str, str]]) -> str:
    repeats = "".join(
        f"<redcap:RepeatingInstruments><redcap:RepeatingInstrument redcap:UniqueEventName={quoteattr(event)} "
        f'redcap:RepeatInstrument={quoteattr(form)} redcap:CustomLabel=""/></redcap:RepeatingInstruments>'
        if form
        else f"<redcap:RepeatingEvent redcap:UniqueEventName={quoteattr(event)}/>"
        for event, form in repeating
    )
    written = "".join(
        f'<redcap:DataQualityRules rule_order="{order}" rule_name={quoteattr(name)} rule_logic={quoteattr(logic)} '
        'real_time_execute="0"/>'
        for order, (name, logic) in enumerate(rules, start=1)
    )
    return (
        f"<redcap:MissingDataCodes>{escape(codes)}</redcap:MissingDataCodes>"
        f"<redcap:RepeatingInstrumentsAndEvents>{repeats}</redcap:RepeatingInstrumentsAndEvents>"
        f"<redcap:DataQualityRulesGroup>{written}</redcap:DataQualityRulesGroup>"
    )


def _event(name: str, forms: Sequence[str]) -> str:
    references = "".join(f'<FormRef FormOID="Form.{form}" redcap:FormName="{form}"/>' for form in forms)
    arm = name.rpartition("_")[2]
    return (
        f'<StudyEventDef OID="Event.{name}" Name="{name}" redcap:EventName="{name}" '
        f'redcap:UniqueEventName="{name}" redcap:ArmNum="{arm}" redcap:ArmName="Arm {arm}">{references}</StudyEventDef>'
    )


def _form(name: str, items: Sequence[Item]) -> str:
    return (
        f'<FormDef OID="Form.{name}" Name="{name.title()}" redcap:FormName="{name}">'
        f'<ItemGroupRef ItemGroupOID="{name}.{items[0].name}"/></FormDef>'
    )


def _columns(item: Item) -> list[str]:
    codes = (part.partition(",")[0].strip() for part in item.choices.split("|"))
    return [f"{item.name}___{code}" for code in codes] if item.type == "checkbox" else [item.name]


def _group(name: str, items: Sequence[Item]) -> str:
    references = "".join(f'<ItemRef ItemOID="{oid}"/>' for item in items for oid in _columns(item))
    return f'<ItemGroupDef OID="{name}.{items[0].name}" Name="{name}">{references}</ItemGroupDef>'


def _item(item: Item) -> str:
    validation = VALIDATIONS.get(item.validation, item.validation)
    attributes = {
        "redcap:Variable": item.name,
        "redcap:FieldType": DIALECT.get(item.type, item.type),
        "redcap:TextValidationType": validation,
        **{f"redcap:{name}": value for name, value in item.more.items()},
    }
    shown = " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items() if value)
    checks = "".join(
        f'<RangeCheck Comparator="{sign}" SoftHard="Soft"><CheckValue>{escape(bound)}</CheckValue></RangeCheck>'
        for sign, bound in (("GE", item.minimum), ("LE", item.maximum))
        if bound
    )
    question = f"<Question><TranslatedText>{item.name}</TranslatedText></Question>"
    reference = f'<CodeListRef CodeListOID="{item.name}.choices"/>' if item.choices else ""
    written = "".join(f'<ItemDef OID="{oid}" {shown}>{question}{checks}{reference}</ItemDef>' for oid in _columns(item))
    return written + (_code_list(item) if item.choices else "")


def _code_list(item: Item) -> str:
    pairs = [part.partition(",") for part in item.choices.split("|")]
    listed = "".join(
        f"<CodeListItem CodedValue={quoteattr(code.strip())}><Decode><TranslatedText>{escape(label.strip())}"
        "</TranslatedText></Decode></CodeListItem>"
        for code, _, label in pairs
    )
    whole = f" redcap:CheckboxChoices={quoteattr(item.choices)}" if item.type == "checkbox" else ""
    return f'<CodeList OID="{item.name}.choices"{whole}>{listed}</CodeList>'


def _records(data: Sequence[Opened]) -> Iterable[str]:
    for record in dict.fromkeys(opened.record for opened in data):
        mine = [opened for opened in data if opened.record == record]
        yield f"<SubjectData SubjectKey={quoteattr(record)}>{''.join(opened_xml(one) for one in mine)}</SubjectData>"


def opened_xml(one: Opened) -> str:
    """Write the data of one opened instrument."""
    values = "".join(f"<ItemData ItemOID={quoteattr(name)} Value={quoteattr(v)}/>" for name, v in one.values.items())
    form = (
        f'<FormData FormOID="Form.{one.form}" FormRepeatKey="{one.instance}">'
        f"<ItemGroupData>{values}</ItemGroupData></FormData>"
    )
    if not one.event:
        return form
    return (
        f'<StudyEventData StudyEventOID="Event.{one.event}" StudyEventRepeatKey="{one.event_instance}" '
        f'redcap:UniqueEventName="{one.event}">{form}</StudyEventData>'
    )
