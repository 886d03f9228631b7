"""How full the pages of a PDF are: which of them end above their middle although no new chapter begins after them."""

from __future__ import annotations

import pypdfium2

HALF = 0.5
TOP, BOTTOM = 25 / 297, 21 / 297
"""The margins of a sheet that stands upright, as shares of its height; one that lies on its side has less."""
CHAPTER_SIZE = 16.0
"""Points; nothing but the title of a chapter is set that large on a page without cover."""
LEAST_SHAPE = 4.0
"""Points; a rule or a line of text is lower."""


def half_empty_pages(content: bytes) -> list[int]:
    """The numbers of the pages, from 1, that are less than half full before a page that begins no chapter."""
    document = pypdfium2.PdfDocument(content)
    try:
        pages = list(document)
        chapters = [begins_chapter(page) for page in pages]
        return [
            number
            for number, page in enumerate(pages, start=1)
            if number < len(pages) and not chapters[number] and filled(page) < HALF
        ]
    finally:
        document.close()


def filled(page: pypdfium2.PdfPage) -> float:
    """The share of the room between the margins that is used, from above."""
    _, height = page.get_size()
    low, high = height * BOTTOM, height * (1 - TOP)
    bottoms = [shape.get_bounds()[1] for shape in page.get_objects(max_depth=3)]
    inside = [bottom for bottom in bottoms if low <= bottom <= high]
    return (high - min(inside, default=high)) / (high - low)


def begins_chapter(page: pypdfium2.PdfPage) -> bool:
    """Whether a page begins with the title of a chapter."""
    text = page.get_textpage()
    _, height = page.get_size()
    large = (
        text.get_charbox(place)
        for place in range(min(text.count_chars(), 400))
        if pypdfium2.raw.FPDFText_GetFontSize(text, place) >= CHAPTER_SIZE
    )
    return any(top > height * 0.8 for _, _, _, top in large)
