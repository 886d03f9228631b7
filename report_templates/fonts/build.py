# ruff: noqa: INP001 - a script that lies beside what it makes; it is no package
"""Build the report's fonts again from the two families they come from.

Noto Sans CJK SC (Debian: fonts-noto-cjk) gives the Chinese, Source Sans Pro (npm: source-sans-pro 3.6.0) the Latin,
Greek and mathematics. Both are under the SIL Open Font License 1.1; 'Source' is a reserved name, hence Report Sans.
One merged face keeps ± ≥ × and the figures on one width, which a stack of two fonts does not.

    python build.py NOTO_FOLDER SOURCE_FOLDER OUT_FOLDER

NOTO_FOLDER holds NotoSansCJK-Regular.ttc and NotoSansCJK-Bold.ttc, SOURCE_FOLDER the package's TTF files.
It takes some minutes: each Chinese outline is converted from cubic to quadratic curves.
"""

import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from fontTools import subset
from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from fontTools.merge import Merger
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection, TTFont, newTable

FAMILY = "Report Sans"
RARE_FAMILY = "Report Sans Ext"
SIMPLIFIED_CHINESE = 2
"""The face of the Noto collections that is drawn for mainland China."""

LATIN_RANGES = (
    (0x20, 0x7E), (0xA0, 0x17F), (0x2B0, 0x3FF), (0x1E00, 0x1EFF), (0x2000, 0x209F), (0x20A0, 0x20BF),
    (0x2100, 0x214F), (0x2190, 0x2199), (0x2200, 0x22FF), (0x25A0, 0x25FF), (0x2713, 0x2718), (0xFB00, 0xFB06),
)  # fmt: skip
CJK_SYMBOL_RANGES = (
    (0x20, 0x7E), (0xA0, 0x17F), (0x2C7, 0x2C7), (0x370, 0x3FF), (0x2000, 0x209F), (0x20A0, 0x20BF), (0x2100, 0x218F),
    (0x2190, 0x22FF), (0x2460, 0x257F), (0x25A0, 0x266F), (0x2713, 0x2718), (0x3000, 0x303F), (0x3200, 0x33FF),
    (0xFF00, 0xFFEF),
)  # fmt: skip

FULL_WIDTH_IN_CHINESE = "‘’“”—…·"
"""Marks that are half as wide in Latin; between Chinese characters the Chinese ones are used."""
PRIVATE_USE = 0xE000

EPOCH_OF_BUILD = 3786825600
"""Seconds since 1904 of 2024-01-01, so that the same input gives the same bytes."""
CURVE_TOLERANCE = 1.0
"""In font units of 1000 to the em."""

NOTICE = (
    "Portions (c) 2014-2021 Adobe (Noto Sans CJK) and (c) 2010-2020 Adobe (Source Sans). "
    "Modified: subset, merged, renamed."
)
LICENCE = "This Font Software is licensed under the SIL Open Font License, Version 1.1. https://openfontlicense.org"


def code_points(ranges: Iterable[tuple[int, int]]) -> set[int]:
    """Every code point of some inclusive ranges."""
    return {point for first, last in ranges for point in range(first, last + 1)}


def double_byte_characters(codec: str, first: int, last: int) -> Iterator[int]:
    """Every code point a two-byte Chinese codec can name, lead bytes `first` to `last`."""
    for lead in range(first, last + 1):
        for trail in range(0x40, 0xFF):
            text = bytes([lead, trail]).decode(codec, errors="ignore")
            if len(text) == 1:
                yield ord(text)


GB2312 = set(double_byte_characters("gb2312", 0xA1, 0xF7))
GBK = set(double_byte_characters("gbk", 0x81, 0xFE))


def take(font: TTFont, points: set[int], features: list[str]) -> TTFont:
    """Keep only some characters of a font, and of its layout rules only some features."""
    options = subset.Options(
        layout_features=features, hinting=False, name_IDs=["*"], notdef_outline=True, glyph_names=False,
        recalc_timestamp=False, legacy_kern=False,
    )  # fmt: skip
    options.drop_tables += ["DSIG", "BASE", "vhea", "vmtx", "VORG", "GDEF", "MATH", "STAT", "meta"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=points)
    subsetter.subset(font)
    return font


def drop(font: TTFont, *tables: str) -> None:
    """Remove tables that are there."""
    for table in tables:
        if table in font:
            del font[table]


def quadratic_glyphs(font: TTFont) -> dict[str, object]:
    """Draw every glyph again with TrueType's quadratic curves."""
    glyph_set, glyphs = font.getGlyphSet(), {}
    for name in font.getGlyphOrder():
        pen = TTGlyphPen(glyph_set)
        glyph_set[name].draw(Cu2QuPen(pen, CURVE_TOLERANCE, reverse_direction=True))
        glyphs[name] = pen.glyph()
    return glyphs


def to_truetype(font: TTFont) -> TTFont:
    """Turn a font with PostScript outlines into one with TrueType outlines: smaller PDFs, valid PDF/A."""
    order, glyphs = font.getGlyphOrder(), quadratic_glyphs(font)
    font["loca"], font["glyf"] = newTable("loca"), newTable("glyf")
    font["glyf"].glyphOrder, font["glyf"].glyphs = order, glyphs
    for name in order:
        glyphs[name].recalcBounds(font["glyf"])
        font["hmtx"][name] = (font["hmtx"][name][0], getattr(glyphs[name], "xMin", 0))
    maxima = font["maxp"]
    maxima.tableVersion = 0x00010000
    for field in (
        "TwilightPoints", "Storage", "FunctionDefs", "InstructionDefs", "StackElements", "SizeOfInstructions",
        "ComponentElements", "Points", "Contours", "CompositePoints", "CompositeContours", "ComponentDepth",
    ):  # fmt: skip
        setattr(maxima, f"max{field}", 0)
    maxima.maxZones = 1
    maxima.recalc(font)
    drop(font, "CFF ", "VORG")
    font.sfntVersion = "\x00\x01\x00\x00"
    without_glyph_names(font)
    return font


def without_glyph_names(font: TTFont) -> None:
    """Leave glyph names out: nothing reads them, and they are a tenth of the file."""
    post = font["post"]
    post.formatType, post.extraNames, post.mapping = 3.0, [], {}
    post.glyphOrder = font.getGlyphOrder()


def chinese(folder: Path, style: str, points: set[int]) -> TTFont:
    """The Chinese part: TrueType outlines, no layout rules."""
    font = TTCollection(folder / f"NotoSansCJK-{style}.ttc", lazy=True).fonts[SIMPLIFIED_CHINESE]
    font.recalcTimestamp = False
    name_privately(font)
    font = to_truetype(take(font, points, []))
    drop(font, "GSUB", "GPOS")
    return font


def private_point(mark: str) -> int:
    """Where the Chinese form of a mark stands while two fonts are merged."""
    return PRIVATE_USE + ord(mark) % 0x1000


def name_privately(font: TTFont) -> None:
    """Give the Chinese forms of shared marks a code point of their own, so that merging keeps both."""
    for table in font["cmap"].tables:
        if table.isUnicode():
            for mark in FULL_WIDTH_IN_CHINESE:
                if ord(mark) in table.cmap:
                    table.cmap[private_point(mark)] = table.cmap[ord(mark)]


def latin(folder: Path, style: str) -> TTFont:
    """The Latin, Greek and mathematical part, with its kerning."""
    font = TTFont(folder / f"SourceSansPro-{style}.ttf", recalcTimestamp=False)
    font = take(font, set(font.getBestCmap()) & code_points(LATIN_RANGES), ["kern", "mark"])
    drop(font, "GSUB")
    return font


def merge(first: TTFont, second: TTFont) -> TTFont:
    """Both fonts in one; where both have a character, the first one's is used."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / "first.ttf", Path(folder) / "second.ttf"]
        first.save(paths[0])
        second.save(paths[1])
        merged = Merger().merge(paths)
    use_full_width_between_chinese(merged)
    keep_line_height(merged, first)
    return merged


def use_full_width_between_chinese(font: TTFont) -> None:
    """Quotes, dash and ellipsis become Chinese ones in a run of Chinese script."""
    characters = font.getBestCmap()
    rules = "".join(
        f"  sub \\{characters[ord(mark)]} by \\{characters[private_point(mark)]};\n" for mark in FULL_WIDTH_IN_CHINESE
    )
    for table in font["cmap"].tables:
        if table.isUnicode():
            for mark in FULL_WIDTH_IN_CHINESE:
                table.cmap.pop(private_point(mark), None)
    drop(font, "GSUB")
    feature = (
        "languagesystem DFLT dflt; languagesystem latn dflt; languagesystem hani dflt;\n"
        f"lookup WIDE {{\n{rules}}} WIDE;\n"
        "feature locl { script hani; language dflt; lookup WIDE; } locl;"
    )
    addOpenTypeFeaturesFromString(font, feature, tables=["GSUB"])


def keep_line_height(font: TTFont, latin_font: TTFont) -> None:
    """Take vertical metrics from the Latin font: one line height in both scripts."""
    for table, fields in {
        "hhea": ("ascent", "descent", "lineGap"),
        "OS/2": ("sTypoAscender", "sTypoDescender", "sTypoLineGap", "usWinAscent", "usWinDescent"),
    }.items():
        for field in fields:
            setattr(font[table], field, getattr(latin_font[table], field))


def sign(font: TTFont, family: str, style: str) -> TTFont:
    """Name the font, state its licence, fix its dates and let it be embedded."""
    texts = {0: NOTICE, 1: family, 2: style, 3: f"{family} {style}", 4: f"{family} {style}", 5: "Version 1.000",
             6: f"{family.replace(' ', '')}-{style}", 13: LICENCE}  # fmt: skip
    font["name"].names = []
    for number, text in texts.items():
        font["name"].setName(text, number, 3, 1, 0x409)
    bold, italic = style == "Bold", style == "Italic"
    os2, head = font["OS/2"], font["head"]
    os2.version, os2.usWeightClass, os2.fsType = 4, (700 if bold else 400), 0
    os2.fsSelection = 128 | (32 if bold else 0) | (1 if italic else 0) | (0 if bold or italic else 64)
    head.macStyle, head.created, head.modified = int(bold) | int(italic) << 1, EPOCH_OF_BUILD, EPOCH_OF_BUILD
    without_glyph_names(font)
    font.recalcTimestamp = False
    return font


def build(noto: Path, source: Path, out: Path) -> Iterator[Path]:
    """Write the four faces one after another."""
    have: set[int] = set()
    for style in ("Regular", "Bold"):
        letters = latin(source, style)
        have = set(letters.getBestCmap())
        wanted = (code_points(CJK_SYMBOL_RANGES) | GB2312) - have
        wanted |= {private_point(mark) for mark in FULL_WIDTH_IN_CHINESE}
        font = sign(merge(letters, chinese(noto, style, wanted)), FAMILY, style)
        have |= set(font.getBestCmap())
        yield save(font, out / f"ReportSans-{style}.ttf")
    yield save(sign(latin(source, "It"), FAMILY, "Italic"), out / "ReportSans-Italic.ttf")
    rare = chinese(noto, "Regular", GBK - have)
    yield save(sign(rare, RARE_FAMILY, "Regular"), out / "ReportSansExt-Regular.ttf")


def save(font: TTFont, path: Path) -> Path:
    """Write one face."""
    font.save(path)
    return path


if __name__ == "__main__":
    noto_folder, source_folder, out_folder = map(Path, sys.argv[1:4])
    for written in build(noto_folder, source_folder, out_folder):
        sys.stderr.write(f"{written} {written.stat().st_size / 1e6:.2f} MB\n")
