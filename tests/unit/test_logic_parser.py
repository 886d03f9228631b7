"""REDCap logic is read as its author meant it, and refused with a hint where that cannot be known."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from redcap_sync.errors import LogicError
from redcap_sync.logic import Evaluator, Reference, from_json, holds, parse, references, to_json, to_logic
from redcap_sync.logic.syntax import MAX_DEPTH

READ = {
    "[a]=1": "[a] = 1",
    "[a]!='x'": "[a] <> 'x'",
    '[a] <> "it\'s"': '[a] <> "it\'s"',
    "[a]=1 OR [b]=1 aNd [c]=1": "[a] = 1 or [b] = 1 and [c] = 1",
    "([a]=1 or [b]=1) and [c]=1": "([a] = 1 or [b] = 1) and [c] = 1",
    "[a]=1 && [b]=1 || [c]=1": "[a] = 1 and [b] = 1 or [c] = 1",
    "not [a]=1": "not [a] = 1",
    "not([a]=1) and [b]": "not [a] = 1 and [b]",
    "1+2*3-4/5": "1 + 2 * 3 - 4 / 5",
    "(1+2)*3": "(1 + 2) * 3",
    "1-(2-3)": "1 - (2 - 3)",
    "([a]+1)^(2)": "([a] + 1)^(2)",
    "-[a] - -5": "-[a] - -5",
    "+[a]": "+[a]",
    ".5 + 1. + 1e3": "0.5 + 1 + 1000",
    "[f(2)]='1'": "[f(2)] = '1'",
    "[f(-99)]=1": "[f(-99)] = 1",
    "[visit_1_arm_1][f(2)]=1": "[visit_1_arm_1][f(2)] = 1",
    "[previous-event-name][f]": "[previous-event-name][f]",
    "[e_arm_1][f][last-instance]": "[e_arm_1][f][last-instance]",
    "[f][2]": "[f][2]",
    "[record-name]='1'": "[record-name] = '1'",
    "[f:label]='x'": "[f:label] = 'x'",
    "[a]=1 # the rest of the line\nand // and this\n[b]=2": "[a] = 1 and [b] = 2",
    "[a] = 'not # a // comment'": "[a] = 'not # a // comment'",
    "IF([a]='',0,Sum([b],[c]))": "if([a] = '', 0, sum([b], [c]))",
    "!([a]='1')": "not [a] = '1'",
    "![a] = '1'": "(not [a]) = '1'",
    "[a] != '1' and !![b]": "[a] <> '1' and not not [b]",
    "-![a] + 1": "-(not [a]) + 1",
    "if([a] = '1', true, FALSE)": "if([a] = '1', 1, 0)",
    "isnumber([a]) = true": "isnumber([a]) = 1",
    "[inex__psych] = '1' and [a_] <> ''": "[inex__psych] = '1' and [a_] <> ''",
    "datediff([a],today,'d',true)": "datediff([a], 'today', 'd', 'true')",
    "(([a]))": "[a]",
}


@pytest.mark.parametrize(("written", "read"), READ.items())
def test_logic_is_read_with_its_precedence(written: str, read: str) -> None:
    """`and` binds tighter than `or`, `not` looser than a comparison; keywords and names ignore case."""
    tree = parse(written)
    assert to_logic(tree) == read
    assert parse(read) == tree


REFUSED = {
    "": "empty",
    "[a]==1": "write one =",
    "[a]=<1": "write <=",
    "[a]=>1": "write >=",
    "[a] = 'x": "missing '",
    '[a] = "x': 'missing "',
    "[a = 1": "missing ]",
    "a] = 1": "missing [",
    "age = 1": "[age]",
    "[a] = x": "'x'",
    "[a] [b]": "operator is missing",
    "[a]=1 [b]=2": "operator is missing",
    "[a](1)=1": "[field(code)]",
    "[a] not = 1": "operator is missing",
    "summ([a])": "did you mean sum()",
    "frobnicate([a])": "no function of this name",
    "if([a],1)": "3 arguments",
    "round(1,2,3)": "1 to 2 arguments",
    "sum()": "at least 1 argument",
    "concat_ws(',')": "at least 2 arguments",
    "sum([a],,1)": "argument is missing",
    "1<[a]<5": "join two comparisons",
    "2^3^4": "cannot be chained",
    "([a]=1": "missing )",
    "[a]=1)": "no opening",
    "()": "missing before",
    "[a]=": "ends too early",
    "and [a]": "missing before and",
    "[a]=3,5": "decimal point",
    "[a],[b]": "outside a function",
    "[a]\u22651": ">=",
    "[a]=\u201cx\u201d": "straight quotes",
    "\uff08[a]=1\uff09": "half-width (",
    "[a] &lt; 1": "HTML",
    "[a] & [b]": "write and",
    "[a] | [b]": "write or",
    "[a] % 2": "mod",
    "sum([a];1)": "comma",
    "[a] ~ 1": "not part of logic",
    "[Age]=1": "[age]",
    "[ age ]=1": "[age]",
    "[]=1": "name of a field",
    "[2a]=1": "begins with a letter",
    "[a]\u200b=1": "U+200B (zero width space)",
    "[user-email]='x'": "cannot be known at night",
    "[user-role-label]='x'": "cannot be known at night",
    "[survey-date-completed:visit]<>''": "cannot be known at night",
    "datediff([a], [b], 'D')": "'D' is not a unit",
    "datediff([a], [b], 'days')": "'M' (months)",
    "datediff([a], '2025-02-30', 'd')": "can never be a date",
    "datediff([a], '31-03-2025', 'd')": "year-month-day",
    "datediff([a], '31-03-2025', 'd', 'mdy')": "month-day-year",
    "datediff([a], [b], 'd', 'myd')": "not a date format",
    "age_at_date('1960-02-30', [b])": "can never be a date",
    "year(if([a] = 1, [b], '2025-13-01'))": "can never be a date",
    "year('09:00')": "can never be a date",
    "[a] = 1 and now": "'now'",
    "[f___2]=1": "[f(2)]",
    "[recrod-name]=1": "[record-name]",
    "[unheard-of]=1": "smart variable",
    "[record-name][2]=1": "write it alone",
    "[f][new-instance]=1": "last-instance",
    "[new-instance]=1": "last-instance",
    "[e][f][g][h]": "at most",
    "[Visit 1][f]": "unique event name",
    "[prevous-event-name][f]": "[previous-event-name]",
    "[f(]=1": "cannot be read",
    "round([f:value])": ":value",
    "[a] > today": "'today'",
    "calcdate([a],1,'d')": "@CALCDATE",
    "1e999": "too large",
    "[a] = 1 'x'": "operator is missing",
}


@pytest.mark.parametrize(("written", "hint"), REFUSED.items())
def test_a_mistake_is_refused_with_its_place_and_a_hint(written: str, hint: str) -> None:
    """Whoever wrote the logic learns where it goes wrong and what to write instead."""
    with pytest.raises(LogicError) as refused:
        parse(written)
    assert hint in f"{refused.value.what} {refused.value.why}"
    assert 0 <= refused.value.position <= len(written)
    assert refused.value.text == written


def test_the_caret_stands_under_the_mistake() -> None:
    """In logic of several lines the message shows the line of the mistake."""
    with pytest.raises(LogicError) as refused:
        parse("[a] = 1\nand [b] == 2")
    assert refused.value.pointer() == "  line 2 | and [b] == 2\n                   ^"


@pytest.mark.parametrize("text", ["(" * 20_000 + "1" + ")" * 20_000, "[a]" + " + [a]" * 5_000])
def test_parentheses_and_long_sums_are_no_nesting(text: str) -> None:
    """A sum of thousands of terms and needless parentheses are read, because they nest nothing."""
    assert parse(text).depth <= 2


@pytest.mark.parametrize("text", ["not " * 20_000 + "1", "- " * 20_000 + "[a]", "abs(" * 20_000 + "1" + ")" * 20_000])
def test_deep_nesting_is_refused_and_never_crashes(text: str) -> None:
    """Logic that is nested beyond every use is an explained error."""
    with pytest.raises(LogicError, match="nested"):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "abs(" * (MAX_DEPTH - 1) + "[a]" + ")" * (MAX_DEPTH - 1),
        "if(1, " * (MAX_DEPTH - 1) + "[a]" + ", 2)" * (MAX_DEPTH - 1),
        "not (" * (MAX_DEPTH - 1) + "[a]" + ")" * (MAX_DEPTH - 1),
    ],
)
def test_the_deepest_logic_can_be_used_in_every_way(text: str) -> None:
    """Whatever the parser takes can be printed, stored and worked out without exhausting the stack."""
    tree = parse(text)
    assert tree.depth == MAX_DEPTH
    assert parse(to_logic(tree)) == tree
    assert from_json(to_json(tree)) == tree
    now = datetime(2024, 5, 17)  # noqa: DTZ001 - REDCap's times have no zone
    expected = holds(tree, {"a": "1"}, now=now)
    assert Evaluator({"a": np.array([1.0])}, length=1, now=now).truth(tree).tolist() == [expected]


@pytest.mark.parametrize(
    ("written", "column"),
    {
        "[f]": "f",
        "[f(2)]": "f___2",
        "[f(-99)]": "f____99",
        "[f(A)]": "f___a",
        "[e_arm_1][f]": "[e_arm_1][f]",
        "[e_arm_1][f(2)]": "[e_arm_1][f___2]",
        "[previous-event-name][f]": "[previous-event-name][f]",
        "[f][last-instance]": "[f][last-instance]",
        "[f][2]": "[f][2]",
        "[e_arm_1][f][2]": "[e_arm_1][f][2]",
        "[f:label]": "[f:label]",
        "[record-name]": "[record-name]",
    }.items(),
)
def test_a_reference_has_one_canonical_column(written: str, column: str) -> None:
    """Data is asked for by the same name wherever the reference stands."""
    (reference,) = references(parse(written))
    assert reference.column == column


def test_references_are_listed_once_in_the_order_of_the_text() -> None:
    """What a rule reads can be shown next to it."""
    found = references(parse("[b] = 1 and ([a] > 2 or [b] < 3) and sum([e][c(1)], [a]) > 0"))
    assert found == (Reference("b"), Reference("a"), Reference("c", event="e", code="1"))


def test_json_is_plain_and_can_be_read_by_eye() -> None:
    """A suite in version control shows what a rule says."""
    tree = parse("[a] >= 15 and [e][f(2)] <> '3' or sum([a], -0.5) - 1 + 2 = (2)^(3)")
    assert to_json(tree) == [
        "or",
        ["and", [">=", {"field": "a"}, 15], ["<>", {"field": "f", "event": "e", "code": "2"}, "3"]],
        ["=", ["chain", ["sum", {"field": "a"}, -0.5], "-", 1, "+", 2], ["^", 2, 3]],
    ]
    assert from_json(to_json(tree)) == tree


@pytest.mark.parametrize(
    "data",
    [
        None,
        True,
        [],
        [1, 2],
        ["and", 1],
        ["not", 1, 2],
        ["summ", 1],
        ["if", 1],
        ["chain", 1],
        ["chain", 1, "+", 2, "*", 3],
        {"event": "e"},
        {"field": "a", "colour": "red"},
        {"field": 1},
        {"field": "a", "code": None},
        {"set"},
        float("nan"),
    ],
)
def test_broken_json_is_refused(data: object) -> None:
    """A suite that was changed by hand into nonsense is an explained error."""
    with pytest.raises(LogicError, match="stored logic"):
        from_json(data)


def test_json_nested_too_deeply_is_refused() -> None:
    """Stored logic is held to the same depth as written logic."""
    data: object = 1
    for _ in range(500):
        data = ["not", data]
    with pytest.raises(LogicError, match="stored logic"):
        from_json(data)


def test_equal_texts_and_numbers_are_different_trees() -> None:
    """`1` and `'1'` are kept apart, although REDCap compares them alike."""
    assert parse("[a] = 1") != parse("[a] = '1'")
    assert hash(parse("[a] = 1")) == hash(parse("[a]=1"))


def test_a_text_with_both_quotes_cannot_be_written() -> None:
    """Logic has no escape sign, and none is made up."""
    with pytest.raises(LogicError, match="both kinds"):
        to_logic(from_json("'\""))
