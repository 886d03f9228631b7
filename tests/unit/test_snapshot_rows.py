"""Rows are found by numbers, whatever their order, and each suite looks at no more rows than its rules need."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from nightround.model.snapshot import Snapshot
from nightround.validation.snapshot_rows import NONE, AnchorRows, MarkedRows
from nightround.validation.suite import LONGEST_NAME, compile_suites
from redcap_sync.rows.tables import RowKey
from tests.made_up import project, rule, snapshot

DICTIONARY = project(
    "record_id visit text - -",
    "weight visit text number -",
    "hb lab text number -",
    "term adverse text - -",
    events={"one_arm_1": ["visit", "lab"], "two_arm_1": ["visit", "adverse"]},
    repeating=[("two_arm_1", "adverse")],
)


def taken(records: list[str]) -> Snapshot:
    """A snapshot whose records are in this order; each has both events, and two adverse events."""
    rows = [
        *(
            {"record_id": record, "redcap_event_name": event}
            for record, event in product(records, DICTIONARY.event_names)
        ),
        *(
            {
                "record_id": record,
                "redcap_event_name": "two_arm_1",
                "redcap_repeat_instrument": "adverse",
                "redcap_repeat_instance": instance,
            }
            for record, instance in product(records, (3, 1))
        ),
    ]
    return snapshot(DICTIONARY, rows)


@pytest.mark.parametrize("records", [["1", "2", "10"], ["10", "1", "2"], ["2"], []])
@pytest.mark.parametrize("instruments", [("visit",), ("adverse", "visit"), ("lab", "visit", "adverse")])
def test_every_row_is_found_where_it_stands(records: list[str], instruments: tuple[str, ...]) -> None:
    """The position of each key is its row's, and a key that no row has is found nowhere."""
    rows = AnchorRows.of(taken(records), instruments)
    keys = rows.row_keys(np.arange(len(rows)))
    assert [rows.position(key) for key in keys] == list(range(len(rows)))
    strangers = [
        RowKey("3", "one_arm_1", "visit", 0),
        RowKey("1", "three_arm_1", "visit", 0),
        RowKey("1", "two_arm_1", "adverse", 2),
        RowKey("1", "two_arm_1", "adverse", 10**6),
        RowKey("1", "one_arm_1", "nothing", 0),
    ]
    assert {rows.position(key) for key in [*strangers, "1", ("1", "one_arm_1")]} == {NONE}


def test_marked_rows_are_those_of_their_mask() -> None:
    """A bit a row says of each key whether it is among them."""
    rows = AnchorRows.of(taken(["1", "2", "10"]), ("visit", "adverse"))
    keys = rows.row_keys(np.arange(len(rows)))
    mask = np.arange(len(rows)) % 3 == 1
    marked = MarkedRows(rows, np.packbits(mask))
    assert [key in marked for key in keys] == mask.tolist()
    assert RowKey("1", "one_arm_1", "lab", 0) not in marked


def test_a_suite_looks_at_the_rows_of_one_instrument() -> None:
    """Rules that read other instruments are in a second suite of their instrument: no suite grows with the others."""
    rules = [
        rule("own", "visit", "[weight] > 1"),
        rule("reads the lab", "visit", "[weight] > [hb]"),
        rule("reads the visit", "lab", "[weight] > [hb]"),
        rule("of another event", "visit", "[two_arm_1][weight] > [weight]"),
    ]
    suites, refused = compile_suites(rules, DICTIONARY)
    assert not refused
    assert {suite.name: (suite.instruments, [one.rule.id for one in suite.rules]) for suite in suites} == {
        "visit": (("visit",), ["own"]),
        "crossing_visit": (("visit",), ["reads the lab", "of another event"]),
        "crossing_lab": (("lab",), ["reads the visit"]),
    }


def test_rules_of_the_project_are_together_where_they_look_at_the_same_rows() -> None:
    """Each such suite contains the instruments that all of its rules look at, and no other."""
    rules = [
        rule("one", "", "[weight] > 1"),
        rule("two", "", "[weight] < 1"),
        rule("three", "", "[term] = '1'"),
        rule("four", "", "[term] = [weight]"),
    ]
    suites, _ = compile_suites(rules, DICTIONARY)
    assert {suite.name: (suite.instruments, [one.rule.id for one in suite.rules]) for suite in suites} == {
        "rules_of_the_project_visit": (("visit",), ["one", "two"]),
        "rules_of_the_project_adverse": (("adverse",), ["three"]),
        "rules_of_the_project_adverse+visit": (("visit", "adverse"), ["four"]),
    }


def test_the_name_of_a_suite_is_the_name_of_a_file() -> None:
    """Rules of the project that look at very many instruments are in a suite whose name is cut and still its own."""
    names = [f"an_instrument_with_a_long_name_{n}" for n in range(40)]
    many = project(
        "record_id visit text - -",
        *(f"field_{n} {name} text - -" for n, name in enumerate(names)),
        events={f"event_{n}_arm_1": [name] for n, name in enumerate(names)},
    )
    wanted = [" or ".join(f"[field_{n}] = '1'" for n in range(count)) for count in (39, 40)]
    suites, _ = compile_suites([rule(str(n), "", text) for n, text in enumerate(wanted)], many)
    assert len({suite.name for suite in suites}) == 2
    assert max(len(suite.name) for suite in suites) <= LONGEST_NAME + 9
