"""Lint of long rules takes work in proportion to their length, and not to its square."""

from __future__ import annotations

import sys
from collections.abc import Callable
from itertools import count

import pytest

from nightround.rule_desk.lint import lint_rules
from tests.made_up import project, rule

DICTIONARY = project(
    "record_id visit text - -",
    "weight visit text number -",
    "note visit text - -",
    "day visit text date_ymd -",
    events={"one_arm_1": ["visit"]},
)
PARTS = 100
pytestmark = pytest.mark.no_cover  # tracing each line takes several times as long
CHAINS = {
    "concat_ws": ("concat_ws(' ', {}) = [note]", ", ", "'a{}'"),
    "concat_ws of fields": ("concat_ws(' ', [note], [day], {}) = 'x'", ", ", "'a{}'"),
    "concat of numbers": ("concat([weight], {}) = 'x'", ", ", "{}"),
    "sum": ("sum([weight], {}) > 5", ", ", "{}"),
    "min": ("min([weight], {}) > 5", ", ", "'{}'"),
    "median": ("median([weight], {}) > 5", ", ", "{}"),
    "addition": ("[weight] > {}", " + ", "{}"),
    "or": ("{}", " or ", "[weight] = {}"),
    "or of texts": ("{}", " or ", "[note] = 'v{}'"),
    "and": ("{}", " and ", "[weight] <> {}"),
    "and of fields": ("{}", " and ", "([weight] <> {0} or [note] <> 'x{0}')"),
    "contains": ("{}", " or ", "contains([note], 'v{}')"),
}


def logic(kind: str, parts: int) -> str:
    """A rule of so many parts."""
    whole, joint, part = CHAINS[kind]
    return whole.format(joint.join(part.format(number) for number in range(parts)))


def calls(work: Callable[[], object]) -> int:
    """How many functions some work calls, those of the interpreter included."""
    made = count()
    sys.setprofile(lambda _frame, _event, _about: next(made))
    try:
        work()
    finally:
        sys.setprofile(None)
    return next(made)


def linted(*written: str) -> int:
    """How many calls it takes to lint some rules."""
    rules = [rule(f"R{number}", "visit", one) for number, one in enumerate(written)]
    return calls(lambda: lint_rules(rules, DICTIONARY))


@pytest.mark.parametrize("kind", CHAINS)
def test_three_times_the_parts_take_about_three_times_the_work(kind: str) -> None:
    """Each kind of long rule: nine times the calls would be the square, which took a minute and more."""
    linted(logic(kind, 3))  # what is imported and made once is not what is counted
    fewer, more = (linted(logic(kind, parts)) for parts in (PARTS, 3 * PARTS))
    assert 2 * fewer < more < 3.5 * fewer


@pytest.mark.parametrize("kind", CHAINS)
def test_a_rule_of_3000_parts_ends(kind: str) -> None:
    """What no call shows, such as a text that is copied again and again, would not end within the limit of a test."""
    lint_rules([rule("R", "visit", logic(kind, 3000))], DICTIONARY)


def test_many_rules_take_as_much_work_as_each_of_them() -> None:
    """Three times the rules are three times the calls."""
    written = [f"[weight] > {number} and [note] <> 'x{number}'" for number in range(300)]
    linted(*written[:3])
    assert linted(*written) < 3.5 * linted(*written[:100])


def test_the_count_finds_a_square() -> None:
    """Work that looks at all parts for each part is found: the limits above can be missed."""

    def square(parts: int) -> None:
        for _ in range(parts * parts):
            len("")

    assert calls(lambda: square(3 * 10)) > 3.5 * calls(lambda: square(10))


@pytest.mark.parametrize("written", ["{0}1{1}", "if([weight] > 1, 2, {0}1{1})"])
def test_logic_nested_beyond_the_limit_is_refused_soon(written: str) -> None:
    """3,000 levels are no rule; ninety are one."""
    from redcap_sync.errors import LogicError
    from redcap_sync.logic import parse

    parse("[weight] > " + written.format("(" * 80, ")" * 80))

    def refused(levels: int) -> int:
        def read() -> None:
            with pytest.raises(LogicError):
                parse("[weight] > " + written.format("abs(" * levels, ")" * levels))

        return calls(read)

    refused(1000)
    assert refused(3000) < 3.5 * refused(1000)
