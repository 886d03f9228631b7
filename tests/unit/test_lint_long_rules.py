"""Lint of long rules takes time in proportion to their length, and not to its square."""

from __future__ import annotations

import time

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
PARTS = 3000
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


def seconds(*written: str) -> float:
    """Processor seconds to lint some rules."""
    began = time.process_time()
    lint_rules([rule(f"R{number}", "visit", one) for number, one in enumerate(written)], DICTIONARY)
    return time.process_time() - began


@pytest.mark.parametrize("kind", CHAINS)
def test_a_rule_of_3000_parts(kind: str) -> None:
    """Each kind of long rule ends; the worst took 50 seconds and more."""
    lint_rules([rule("R", "visit", logic(kind, 3))], DICTIONARY)  # what is imported once is not what is measured
    assert seconds(logic(kind, PARTS)) < 40  # a guard against the square, which took longer, not a timing


@pytest.mark.parametrize("kind", ["concat_ws", "concat_ws of fields"])
def test_three_times_the_parts_take_about_three_times_as_long(kind: str) -> None:
    """Functions of constants grow with their number: nine times as long would be its square."""
    lint_rules([rule("R", "visit", logic(kind, 3))], DICTIONARY)
    fewer, more = (min(seconds(logic(kind, parts)) for _ in range(2)) for parts in (PARTS, 3 * PARTS))
    assert more < 6 * fewer


def test_500_rules() -> None:
    """Many rules take as long as each of them."""
    assert seconds(*(f"[weight] > {number} and [note] <> 'x{number}'" for number in range(500))) < 10


@pytest.mark.parametrize("written", ["{0}1{1}", "if([weight] > 1, 2, {0}1{1})"])
def test_logic_nested_beyond_the_limit_is_refused_soon(written: str) -> None:
    """3,000 levels are no rule; ninety are one."""
    from redcap_sync.errors import LogicError
    from redcap_sync.logic import parse

    parse("[weight] > " + written.format("(" * 80, ")" * 80))
    began = time.process_time()
    with pytest.raises(LogicError):
        parse("[weight] > " + written.format("abs(" * 3000, ")" * 3000))
    assert time.process_time() - began < 2
