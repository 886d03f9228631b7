"""A rule that is said never to ask is contradicted by no row that the dictionary allows."""

from datetime import date, datetime, timedelta
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from nightround.model.language import Words
from nightround.model.rule import Rule, Severity
from nightround.rule_desk.linted import Linted
from nightround.rule_desk.reachable import reach_of
from redcap_sync.dictionary import dictionary_from_api
from redcap_sync.logic import Expression, Reference, holds, parse, to_logic
from redcap_sync.logic.syntax import And, Call, Chain, Comparison, Not, Number, Or, Text
from tests.made_up import metadata

FIELDS = ("age", "score", "sex", "grade", "born", "seen", "note")
LIMITS = {"age": ("0", "9"), "score": ("-2", "2")}
NOW = datetime(2025, 1, 1)  # noqa: DTZ001
FIRST = date(2024, 1, 1)

ROWS = metadata(
    "record_id one text - -",
    "age one text integer -",
    "score one text number -",
    "sex one radio - 1, Male | 2, Female",
    "grade one radio - 0, None | 1, Mild | x, Unknown",
    "born one text date_ymd -",
    "seen one text date_ymd -",
    "note one text - -",
)
for row in ROWS:
    low, high = LIMITS.get(row["field_name"], ("", ""))
    row |= {"text_validation_min": low, "text_validation_max": high}
DICTIONARY = dictionary_from_api(
    project={"project_title": "SYNTHETIC", "is_longitudinal": 0},
    metadata=ROWS,
    instruments=[{"instrument_name": "one", "instrument_label": "One"}],
)


def day(number: int) -> str:
    """A day of a made-up January."""
    return (FIRST + timedelta(days=number)).isoformat()


allowed_values = {
    "age": st.integers(0, 9).map(str),
    "score": st.one_of(st.integers(-2, 2).map(str), st.floats(-2, 2).map(lambda value: f"{value:.3f}")),
    "sex": st.sampled_from(["1", "2"]),
    "grade": st.sampled_from(["0", "1", "x"]),
    "born": st.integers(-3, 12).map(day),
    "seen": st.integers(-3, 12).map(day),
    "note": st.sampled_from(["a", "b", "7", "zzz"]),
}
rows = st.fixed_dictionaries({name: st.one_of(st.just(""), values) for name, values in allowed_values.items()})

fields = st.sampled_from(FIELDS).map(Reference)
literals = st.one_of(
    st.integers(-3, 11).map(lambda value: Number(float(value))),
    st.sampled_from([0.5, 1.5, 8.25]).map(Number),
    st.sampled_from(["", "1", "2", "a", "x", day(0), day(1), day(5)]).map(Text),
)
numbers = st.recursive(
    st.one_of(
        st.sampled_from(["age", "score", "sex"]).map(Reference), st.integers(-3, 5).map(lambda v: Number(float(v)))
    ),
    lambda inner: st.one_of(
        st.builds(lambda sign, a, b: Chain((sign,), (a, b)), st.sampled_from("+-*/"), inner, inner),
        st.builds(lambda name, a, b: Call(name, (a, b)), st.sampled_from(["sum", "min", "max", "mean"]), inner, inner),
        st.builds(lambda a: Call("abs", (a,)), inner),
    ),
    max_leaves=4,
)
operators = st.sampled_from(["=", "<>", "<", ">", "<=", ">="])
comparisons = st.one_of(
    st.builds(Comparison, operators, fields, literals),
    st.builds(Comparison, operators, literals, fields),
    st.builds(Comparison, operators, fields, fields),
    st.builds(Comparison, operators, numbers, numbers),
)
conditions = st.recursive(
    comparisons,
    lambda inner: st.one_of(
        st.builds(lambda a, b: And((a, b)), inner, inner),
        st.builds(lambda a, b: Or((a, b)), inner, inner),
        st.builds(Not, inner),
    ),
    max_leaves=5,
)


def rule_on(discrepancy: Expression, applies: Expression | None, needs: tuple[str, ...]) -> Rule:
    """A rule of some conditions."""
    return Rule(
        id="R",
        title=Words("题目", "title"),
        instrument="one",
        discrepancy=to_logic(discrepancy),
        severity=Severity.MINOR,
        fields=("age",),
        applies=to_logic(applies) if applies is not None else "",
        needs=needs,
    )


def came_to(rule: Rule, row: dict[str, str]) -> str:
    """What the plain interpreter makes of one row."""
    if rule.applies and not holds(parse(rule.applies), row, now=NOW):
        return "nothing"
    if any(not row[column] for column in rule.needs):
        return "nothing"
    return "asks" if holds(parse(rule.discrepancy), row, now=NOW) else "is_content"


@given(
    discrepancy=conditions,
    applies=st.one_of(st.none(), conditions),
    needs=st.sets(st.sampled_from(FIELDS), max_size=3).map(tuple),
    some=st.lists(rows, min_size=30, max_size=30),
)
def test_never_is_never_contradicted(
    discrepancy: Expression, applies: Expression | None, needs: tuple[str, ...], some: list[dict[str, str]]
) -> None:
    """Whatever the logic, no row of allowed values does what the rule is said never to do."""
    rule = rule_on(discrepancy, applies, needs)
    reach = reach_of(Linted(rule, DICTIONARY))
    found = {came_to(rule, row) for row in some} - {"nothing"}
    if found:
        assert reach.judges != "never"
    assert [one for one in found if getattr(reach, one) == "never"] == []


@given(discrepancy=conditions, needs=st.sets(st.sampled_from(["sex", "grade", "age"]), max_size=3).map(tuple))
def test_every_row_of_codes_and_whole_numbers_is_known(discrepancy: Expression, needs: tuple[str, ...]) -> None:
    """Of logic over codes and a short range of whole numbers the answer is yes or never, and it is the right one."""
    used = {name for name in FIELDS if f"[{name}]" in to_logic(discrepancy)} | set(needs)
    listed = {"sex": ["", "1", "2"], "grade": ["", "0", "1", "x"], "age": ["", *map(str, range(10))]}
    if not used <= set(listed):
        return
    rule = rule_on(discrepancy, None, needs)
    every = [dict(zip(listed, values, strict=True)) for values in product(*listed.values())]
    found = {came_to(rule, row) for row in every} - {"nothing"}
    said = reach_of(Linted(rule, DICTIONARY))
    assert said.judges == ("yes" if found else "never")
    assert (said.asks, said.is_content) == tuple("yes" if one in found else "never" for one in ("asks", "is_content"))
