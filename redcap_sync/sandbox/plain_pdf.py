"""A plain PDF of lines of text: enough for an instrument on paper.

The one font is not embedded: readers have their own for Adobe's GB1 collection, which holds Latin and
Chinese letters, and the text can be searched. Source of the format: ISO 32000-1, sections 7 and 9.7.
"""

from __future__ import annotations

from collections.abc import Sequence

PAGE_HEIGHT, MARGIN, LEADING, FONT_SIZE = 842, 56, 16, 10
LINES_ON_A_PAGE = (PAGE_HEIGHT - 2 * MARGIN) // LEADING
CATALOG, PAGES, FONT, DESCENDANT, FIRST_PAGE = 1, 2, 3, 4, 5

TYPE_0_FONT = (
    "<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H "
    f"/DescendantFonts [{DESCENDANT} 0 R] >>"
)
CID_FONT = (
    "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light /DW 1000 /W [1 95 500] "
    "/CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 0 >> "
    "/FontDescriptor << /Type /FontDescriptor /FontName /STSong-Light /Flags 4 /FontBBox [0 -200 1000 900] "
    "/ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 700 /StemV 80 >> >>"
)


def pdf_of_lines(lines: Sequence[str]) -> bytes:
    """Write lines on A4 pages; there is always at least one page."""
    pages = [lines[start : start + LINES_ON_A_PAGE] for start in range(0, max(len(lines), 1), LINES_ON_A_PAGE)]
    kids = " ".join(f"{FIRST_PAGE + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        f"<< /Type /Catalog /Pages {PAGES} 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        TYPE_0_FONT,
        CID_FONT,
    ]
    for number, page in enumerate(pages):
        objects += [_page(FIRST_PAGE + 2 * number + 1), _stream(page)]
    return _file(objects)


def _page(contents: int) -> str:
    return (
        f"<< /Type /Page /Parent {PAGES} 0 R /MediaBox [0 0 595 {PAGE_HEIGHT}] "
        f"/Resources << /Font << /F1 {FONT} 0 R >> >> /Contents {contents} 0 R >>"
    )


def _stream(lines: Sequence[str]) -> str:
    top = PAGE_HEIGHT - MARGIN
    shown = "".join(f"<{line.encode('utf-16-be').hex()}> Tj T*\n" for line in lines)
    text = f"BT /F1 {FONT_SIZE} Tf {LEADING} TL {MARGIN} {top} Td\n{shown}ET"
    return f"<< /Length {len(text)} >>\nstream\n{text}\nendstream"


def _file(objects: Sequence[str]) -> bytes:
    """Put objects together with the table of where each one begins."""
    body, offsets = b"%PDF-1.4\n", []
    for number, written in enumerate(objects, start=1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{written}\nendobj\n".encode("ascii")
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    trailer = f"trailer << /Size {size} /Root {CATALOG} 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    return body + f"xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode("ascii")
