"""A missing data code that the limits of a field allow is a value of that field, and a code everywhere else."""

from datetime import datetime

import numpy as np
import pytest

from redcap_sync.dictionary import Choice, Dictionary, Field
from redcap_sync.logic import Evaluator, holds, parse
from redcap_sync.logic.switches import Switches
from redcap_sync.missing_codes import MissingCodes

NOW = datetime(2026, 11, 29)  # noqa: DTZ001 - REDCap's times have no zone
CODES = ("NA", "UNK", "-999", "99", "99.5")


def field(name: str, low: str, high: str, validation: str = "integer") -> Field:
    """A field with limits."""
    return Field(name, "base", "text", validation=validation, minimum=low, maximum=high)


def dictionary(*fields: Field) -> Dictionary:
    """A classic project with the codes."""
    codes = tuple(Choice(code, code) for code in CODES)
    return Dictionary("t", False, fields, (), (), frozenset(), frozenset(), codes)


@pytest.mark.parametrize(
    ("low", "high", "validation", "values"),
    [
        ("0", "120", "integer", {"99", "99.5"}),
        ("0", "99", "integer", {"99"}),
        ("100", "120", "integer", set()),
        ("-1000", "1000", "number", {"-999", "99", "99.5"}),
        ("0,5", "120,5", "number_comma_decimal", {"99", "99.5"}),
        ("0", "", "integer", set()),
        ("", "120", "integer", set()),
        ("[other]", "120", "integer", set()),
        ("2020-01-01", "today", "date_ymd", set()),
        ("0", "120", "", set()),
    ],
)
def test_both_limits_of_a_number_say_which_codes_are_values(
    low: str, high: str, validation: str, values: set[str]
) -> None:
    """A code within both limits is a value; one limit alone, another field or a day as limit, or a text say nothing."""
    codes = dictionary(field("n", low, high, validation), field("m", "", "")).missing_codes
    assert set(codes) - set(codes.at("n")) == values
    assert set(codes.at("m")) == set(codes) == set(CODES)


@pytest.mark.parametrize(
    ("logic", "n", "expected"),
    [
        ("[n] >= 15", "99", True),
        ("[n] + 1 > 15", "99", True),
        ("[m] >= 15", "99", False),
        ("[n] < 5", "-999", False),
        ("[n] >= 15", "UNK", False),
        ("isblankormissingcode([n])", "99", True),
        ("[e_arm_1][n] >= 15", "99", True),
    ],
)
def test_rules_see_the_value(logic: str, n: str, expected: bool) -> None:  # noqa: FBT001
    """A count of 99 of at most 120 is compared and calculated with; -999, a word, and 99 without limits are blanks."""
    codes, tree = dictionary(field("n", "0", "120"), field("m", "", "")).missing_codes, parse(logic)
    row = {"n": n, "m": n, "[e_arm_1][n]": n}
    columns = {name: np.array([text], dtype=object) for name, text in row.items()}
    (found,) = Evaluator(columns, length=1, now=NOW, missing_codes=codes).truth(tree)
    assert bool(found) is expected
    assert holds(tree, row, now=NOW, missing_codes=codes) is expected


def test_one_switch_names_the_other_reading() -> None:
    """Switched off, 99 is a code in every field, and a row that needs it is not checked."""
    codes, other = dictionary(field("n", "0", "120")).missing_codes, Switches(code_within_limits_is_a_value=False)
    evaluators = [
        Evaluator({"n": np.array(["99"], dtype=object)}, length=1, now=NOW, switches=one, missing_codes=codes)
        for one in (Switches(), other)
    ]
    assert [bool(one.filled("n")[0]) for one in evaluators] == [True, False]
    assert [
        holds(parse("[n] > 1"), {"n": "99"}, now=NOW, switches=one, missing_codes=codes) for one in (Switches(), other)
    ] == [True, False]
    assert MissingCodes.of(("99",)).at("n") == {"99"}
