"""A reference is resolved to the event it means, seen from the row's event."""

from __future__ import annotations

from dataclasses import replace

import pytest

from redcap_sync.dictionary import Dictionary, Event, Field, Instrument
from redcap_sync.errors import LogicError
from redcap_sync.logic import parse, references, resolve

EVENTS = ("e1_arm_1", "e2_arm_1", "e3_arm_1", "e4_arm_1", "x1_arm_2")
LONGITUDINAL = Dictionary(
    title="Synthetic study",
    longitudinal=True,
    fields=(
        Field("record_id", "base", "text"),
        Field("once", "base", "text"),
        Field("often", "visit", "text"),
        Field("box", "visit", "checkbox"),
    ),
    instruments=(Instrument("base", "Base"), Instrument("visit", "Visit")),
    events=tuple(Event(name, name, int(name[-1])) for name in EVENTS),
    designations=frozenset({("e1_arm_1", "base"), ("e2_arm_1", "visit"), ("e4_arm_1", "visit"), ("x1_arm_2", "visit")}),
    repeating=frozenset(),
)


@pytest.mark.parametrize(
    ("written", "event", "resolved"),
    [
        ("[often]", "e2_arm_1", ("e2_arm_1", "often")),
        ("[often]", "e1_arm_1", ("", "often")),
        ("[event-name][often]", "e2_arm_1", ("e2_arm_1", "often")),
        ("[e2_arm_1][box(-1)]", "e1_arm_1", ("e2_arm_1", "box____1")),
        ("[e2_arm_1][once]", "e1_arm_1", ("", "once")),
        ("[previous-event-name][often]", "e4_arm_1", ("e2_arm_1", "often")),
        ("[previous-event-name][often]", "e2_arm_1", ("", "often")),
        ("[next-event-name][often]", "e1_arm_1", ("e2_arm_1", "often")),
        ("[next-event-name][often]", "e4_arm_1", ("", "often")),
        ("[first-event-name][often]", "e4_arm_1", ("e2_arm_1", "often")),
        ("[last-event-name][often]", "e1_arm_1", ("e4_arm_1", "often")),
        ("[first-event-name][often]", "x1_arm_2", ("x1_arm_2", "often")),
        ("[first-event-name][once]", "x1_arm_2", ("", "once")),
        ("[record_id]", "e3_arm_1", ("e3_arm_1", "record_id")),
        ("[visit_complete]", "e2_arm_1", ("e2_arm_1", "visit_complete")),
        ("[record-name]", "e2_arm_1", ("e2_arm_1", "[record-name]")),
    ],
)
def test_the_nearest_event_with_the_instrument_is_meant(written: str, event: str, resolved: tuple[str, str]) -> None:
    """Relative events look within the row's arm; where no event has the instrument, there is none."""
    (reference,) = references(parse(written))
    assert resolve(reference, LONGITUDINAL, event) == resolved


def test_a_classic_project_has_one_nameless_event() -> None:
    """Without events every reference means the record's only row."""
    classic = replace(LONGITUDINAL, longitudinal=False, events=(), designations=frozenset())
    (reference,) = references(parse("[often]"))
    assert resolve(reference, classic, "") == ("", "often")


@pytest.mark.parametrize(("written", "hint"), [("[oftn]", "often"), ("[e9_arm_1][often]", "_arm_1")])
def test_an_unknown_field_or_event_is_refused(written: str, hint: str) -> None:
    """A misspelt name is answered with the nearest one."""
    (reference,) = references(parse(written))
    with pytest.raises(LogicError) as refused:
        resolve(reference, LONGITUDINAL, "e1_arm_1")
    assert hint in refused.value.why
