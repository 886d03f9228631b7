"""The bundled fonts can print what a Chinese medical report needs, and may be shipped."""

from __future__ import annotations

from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

FONTS = Path(__file__).parents[2] / "report_templates" / "fonts"
WITH_CHINESE = ("ReportSans-Regular", "ReportSans-Bold")


def gb2312() -> set[int]:
    """The 6,763 Chinese characters of GB 2312."""
    cells = ((lead, trail) for lead in range(0xB0, 0xF8) for trail in range(0xA1, 0xFF))
    texts = (bytes(cell).decode("gb2312", errors="ignore") for cell in cells)
    return {ord(text) for text in texts if len(text) == 1}


@pytest.mark.parametrize("face", WITH_CHINESE)
def test_both_weights_have_every_character_of_gb2312(face: str) -> None:
    """A machine without any Chinese font prints every common character from the bundled face."""
    wanted = gb2312()
    assert len(wanted) == 6763
    assert wanted <= set(TTFont(FONTS / f"{face}.ttf").getBestCmap())


@pytest.mark.parametrize("face", WITH_CHINESE)
def test_digits_and_signs_of_a_table_cell_have_one_width(face: str) -> None:
    """Figures, plus-minus, true minus and figure space are equally wide, so columns can be aligned."""
    font = TTFont(FONTS / f"{face}.ttf")
    characters, widths = font.getBestCmap(), font["hmtx"]
    assert len({widths[characters[ord(sign)]][0] for sign in "0123456789±−≥≤×\u2007"}) == 1


@pytest.mark.parametrize("face", [path.stem for path in sorted(FONTS.glob("*.ttf"))])
def test_every_face_is_truetype_free_to_embed_and_does_not_use_the_reserved_name(face: str) -> None:
    """Each face has TrueType outlines, allows embedding, states its licence, and is not called 'Source'."""
    font = TTFont(FONTS / f"{face}.ttf")
    names = {record.nameID: str(record) for record in font["name"].names}
    assert "glyf" in font
    assert font["OS/2"].fsType == 0
    assert "Open Font License" in names[13]
    assert "Source" not in names[1] + names[4] + names[6]


def test_the_licence_texts_lie_beside_the_fonts() -> None:
    """Both families' licence texts are shipped in full."""
    for text in ("SourceSansPro-OFL.md", "NotoSansCJK-OFL.txt"):
        content = (FONTS / "licences" / text).read_text(encoding="utf-8").lower()
        assert "sil open font license" in content
        assert "permission is hereby granted" in content or "permission & conditions" in content
