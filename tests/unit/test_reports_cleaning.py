"""Text typed into REDCap is made harmless before it is printed."""

import pytest

from nightround.report.printing.cleaning import LONGEST_FIELD, clean, missing_characters, spaced
from tests.report_samples import TEMPLATES

FONTS = TEMPLATES / "fonts"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("plain 文字", "plain 文字"),
        ("a\x00b\x0bc\x1bd", "abcd"),
        ("left\u202eright\u2066x", "leftrightx"),
        ("half \ud800 character", "half  character"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("two\nlines\tand tab", "two\nlines\tand tab"),
    ],
)
def test_invisible_and_direction_characters_are_removed(typed: str, kept: str) -> None:
    """What cannot be seen, or turns the line around, is not printed; everything else is."""
    assert clean(typed) == kept


def test_a_field_is_cut_at_its_longest_length() -> None:
    """A field of ten thousand characters takes no more room than the cap, and shows that it was cut."""
    cut = clean("x" * 10_000)
    assert len(cut) == LONGEST_FIELD
    assert cut.endswith("…")


def test_chinese_and_latin_are_kept_apart_once() -> None:
    """A room is between the scripts, none before a mark; what a figure counts stays with it; twice is as once."""
    once = spaced("完成3次IVC扩张，n=5例（P<0.05）")
    assert once == "完成 3\u00a0次 IVC 扩张，n=5\u00a0例（P<0.05）"
    assert spaced(once) == once


def test_characters_outside_the_fonts_are_named() -> None:
    """What would print as an empty box is listed, each once; rare Chinese characters of names are covered."""
    assert missing_characters(["好 \U0001f600 ok", "\U0001f600\u0e01\n"], FONTS) == ("\u0e01", "\U0001f600")
    assert missing_characters(["镕䶮喆—±−≥χ²"], FONTS) == ("䶮",)
