"""Factors by which a value is likely to have slipped: the decimal point, and units that are mistaken for one another.

Sources of the unit factors: BIPM, The International System of Units (SI Brochure), 9th edition 2019;
international pound and inch of 1959 (0.45359237 kg, 25.4 mm); NIST SP 811 (2008), Appendix B, for pressures.
Molar masses: glucose 180.16, creatinine 113.12, cholesterol 386.65 g/mol.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple


class UnitFactor(NamedTuple):
    """What a stored value must be multiplied by, and the slip it undoes."""

    factor: float
    why: str


DECIMALS = tuple(
    UnitFactor(factor, f"x {factor:g}, decimal point") for factor in (10.0, 100.0, 1000.0, 0.1, 0.01, 0.001)
)
UNITS: tuple[tuple[str, str, float], ...] = (
    ("kg", "lb", 0.45359237),
    ("cm", "in", 2.54),
    ("cm", "ft", 30.48),
    ("mm", "in", 25.4),
    ("mmHg", "kPa", 7.50062),
    ("kPa", "mmHg", 0.133322),
    ("kcal", "kJ", 0.239006),
)
"""Unit of the field, unit the value was likely typed in, and the factor from the second to the first."""
ANALYTES: tuple[tuple[str, str, str, float], ...] = (
    ("glucose|血糖|葡萄糖", "mmol/L", "mg/dL", 10 / 180.16),
    ("glucose|血糖|葡萄糖", "mg/dL", "mmol/L", 180.16 / 10),
    ("creatinin|肌酐", "(?:u|\u03bc|\u00b5)mol/L", "mg/dL", 10_000 / 113.12),
    ("creatinin|肌酐", "mg/dL", "umol/L", 113.12 / 10_000),
    ("cholesterol|胆固醇", "mmol/L", "mg/dL", 10 / 386.65),
    ("cholesterol|胆固醇", "mg/dL", "mmol/L", 386.65 / 10),
)
"""The same for substances, whose factor hangs on the molar mass: what the field is called comes first."""


def factors_of(described: str) -> tuple[UnitFactor, ...]:
    """The factors worth trying for a field, from its label and note: decimals always, units where one is named."""
    return (*DECIMALS, *_units(described))


def _units(described: str) -> Iterator[UnitFactor]:
    for unit, typed, factor in UNITS:
        if _names(unit, described):
            yield UnitFactor(factor, f"{typed} instead of {unit}")
    for substance, unit, typed, factor in ANALYTES:
        if re.search(substance, described, re.IGNORECASE) and _names(unit, described):
            yield UnitFactor(factor, f"{typed} instead of the field's unit")


def _names(unit: str, described: str) -> bool:
    return re.search(rf"(?<![A-Za-z/]){unit}(?![A-Za-z/²2])", described) is not None
