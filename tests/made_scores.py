"""Tables of a rule file for each score of the library, over fields that are named after its items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nightround.scores.library import Score
from nightround.study.rules.score_tables import ScoresTable

CODES = {"sex": {"female": "2", "male": "1"}}
UNITS = {"height": "cm", "creatinine": "µmol/L"}


def table_of(score: Score, **more: Any) -> ScoresTable:
    """`[[scores]]` with every key that the score can have."""
    items = [item.key for item in score.items]
    written: Mapping[str, Any] = {
        "name": score.sheet.name,
        "variant": score.variant.key,
        "id": "S",
        "instrument": "form",
        "items": {key: f"f_{key}" for key in items},
        "total": "" if score.sheet.form == "class" else "total",
        "grade": "grade" if score.variant.grade and score.sheet.form != "class" else "",
        "values": {key: codes for key, codes in CODES.items() if key in items},
        "units": {key: unit for key, unit in UNITS.items() if key in items},
        "missing_code": "UNK",
    }
    return ScoresTable.model_validate({**written, **more})
