"""Text columns taken apart by their bytes come out as they went in."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redcap_sync.logic import text_columns
from redcap_sync.logic.text_columns import distinct_texts

LETTERS = "/0179:- aé中\0"


def whole(texts: list[str | None]) -> pa.Array:
    """One array, as pandas makes them."""
    return pa.array(texts, type=pa.large_string())


def cut_out(texts: list[str | None]) -> pa.Array:
    """A part of an array, whose texts do not begin at the first byte."""
    return pa.array(["2024", *texts, "12"], type=pa.string()).slice(1, len(texts))


def in_chunks(texts: list[str | None]) -> pa.ChunkedArray:
    """Two chunks, as Parquet files give them."""
    half = len(texts) // 2
    return pa.chunked_array([texts[:half], texts[half:]], type=pa.string())


@st.composite
def columns(draw: st.DrawFn) -> list[str | None]:
    """Texts of a few lengths, often all of one, with blanks and at times a null."""
    width = draw(st.integers(0, 10))
    narrow = st.text(LETTERS, min_size=width, max_size=width)
    usual = draw(st.lists(narrow, min_size=1, max_size=6))
    odd = draw(st.lists(st.text(LETTERS, max_size=10), max_size=2))
    nothing = draw(st.sampled_from([[""], ["", None], []]))
    return draw(st.lists(st.sampled_from([*usual, *odd, *nothing]), max_size=60))


def said(column: pa.Array | pa.ChunkedArray) -> list[str]:
    """The text of every row, put together again; every distinct text is there once."""
    found = distinct_texts(column)
    assert len(set(found.uniques)) == len(found.uniques)
    return ["" if code < 0 else str(found.uniques[code]) for code in found.codes.tolist()]


@pytest.mark.parametrize("made", [whole, cut_out, in_chunks])
@given(texts=columns())
@settings(deadline=None)
def test_every_row_keeps_its_text(made: Callable[[list[str | None]], pa.Array], texts: list[str | None]) -> None:
    """However texts are laid in memory and however long they are, codes and distinct texts say what was there."""
    with patch.object(text_columns, "_AT_ONCE", 7), patch.object(text_columns, "_WORTH_A_TABLE", 20):
        assert said(made(texts)) == [text or "" for text in texts]


@pytest.mark.parametrize("places", [0, 2, 16])
@given(words=st.lists(st.integers(0, 40), min_size=1, max_size=80))
@settings(deadline=None)
def test_words_that_want_one_place_are_told_apart(places: int, words: list[int]) -> None:
    """A table with a single place, with a few and with enough of them gives the same texts."""
    texts: list[str | None] = [f"{word:05d}" for word in words]
    with (
        patch.object(text_columns, "_TABLE_BITS", places),
        patch.object(text_columns, "_AT_ONCE", 5),
        patch.object(text_columns, "_WORTH_A_TABLE", 1),
    ):
        assert said(whole(texts)) == texts


@pytest.mark.parametrize("late", ["12", "abc", "x", "/", "-", "", "2024-01-01", "é"])
@pytest.mark.parametrize("usual", ["1", "12", "08:30", "", "note about it"])
def test_a_text_of_another_kind_after_many_rows_is_not_lost(usual: str, late: str) -> None:
    """What is guessed from the first 65,536 rows holds for no row after them that is different."""
    texts: list[str | None] = [usual, *[usual] * 70_000, late, usual]
    found = distinct_texts(whole(texts))
    shown = ["" if code < 0 else str(found.uniques[code]) for code in np.asarray(found.codes)[[0, 70_001, 70_002]]]
    assert shown == [usual, late, usual]
