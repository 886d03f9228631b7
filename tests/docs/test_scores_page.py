"""docs/scores.md is what the score library says."""

from __future__ import annotations

from pathlib import Path

from nightround.scores.library import all_scores, score_sheets
from nightround.study.folder import load_content_module

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "scores.md").read_text(encoding="utf-8")


def test_the_committed_page_is_current() -> None:
    """After a change of the library: make scores."""
    assert load_content_module(DOCS / "write_scores.py", "write_scores").page() == PAGE, "run: make scores"


def test_every_score_variant_item_grade_and_remark_is_on_the_page() -> None:
    """With its source."""
    for one in all_scores():
        assert f"### `{one.sheet.name}`, `{one.variant.key}`" in PAGE
        assert one.variant.source in PAGE
        for part in (*one.items, *one.variant.grade):
            assert f"`{part.key}`" in PAGE
            assert part.label.zh in PAGE
    for sheet in score_sheets():
        assert all(remark.en in PAGE and remark.zh in PAGE for remark in sheet.remark)
