"""What the protocol asks beside what the published tables print: criteria, both legs, pathway, treatment, end of study.

Everything here follows from what the tables fix, with a generator of its own: the published numbers stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import partial

import numpy as np

from .people import CONE_SHAPED, Person

Row = dict[str, str]

CRITERIA = ("age", "below_renal", "over_28_days", "echo", "ctv_signs", "d_dimer", "accepts")
EXCLUSIONS = (
    *("acute_dvt", "malignancy", "fibrosis", "kidney", "autoimmune", "heart"),
    *("liver", "renal_failure", "clotting", "stent", "whole_limb"),
)
SYMPTOMS = ("pain", "cramps", "heaviness", "paraesthesia", "pruritus")
IN_BOTH_SCALES = ("pain", "oedema", "pigment", "induration")
"""What Villalta and VCSS both ask; nobody has none in one and severe in the other."""
MOST_APART = 2
SCALES = ("vcss_", "vil_")
MOST_POINTS = 3
REFERENCE = {
    "hb": {"1": ("130", "175"), "2": ("115", "150")},
    "plt": ("125", "350"),
    "hcy": ("5", "15"),
    "alt": {"1": ("9", "50"), "2": ("7", "40")},
    "ast": {"1": ("15", "40"), "2": ("13", "35")},
    "urea": {"1": ("3.1", "8.0"), "2": ("2.6", "7.5")},
    "cr": {"1": ("57", "97"), "2": ("41", "73")},
    "d_dimer": ("0", "0.5"),
}
"""Reference ranges as a laboratory prints them, by sex where they differ (WS/T 405-2012, 404.1-2012 and 404.5-2015)."""
PI_OF_LOGIC = 3.14159265
WARDS = ("ward_1", "ward_2")
OCCLUDED_ON_ULTRASOUND = {"1": "2", "2": "3", "3": "4"}
"""Codes of `us_iliac` by those of `iliac_side`."""
SITES = ("above", "below")
LEAST_TAPER = 1.0
"""By how many cm a leg is wider above the knee than below."""
PHYSICIANS = 3
TWO_LEGS = "3"
TRIES = 4000


def complete(*instruments: str) -> Row:
    """The completion status of instruments that are filled in."""
    return {f"{name}_complete": "2" for name in instruments}


def rounded(value: float, digits: int) -> str:
    """Half away from zero after 15 significant digits, as REDCap's calculated fields round."""
    step = Decimal(1).scaleb(-digits)
    return str(Decimal(f"{value:.15g}").quantize(step, ROUND_HALF_UP))


def demographics(row: Row, ward: str) -> Row:
    """What REDCap works out, a telephone number, and the ward that looks after the patient."""
    bmi = float(row["weight_kg"]) / (float(row["height_cm"]) / 100) ** 2
    return {
        "redcap_data_access_group": ward,
        "phone": f"000-{int(row['record_id']):08d}",
        "age_calc": row["age"],
        "bmi_calc": rounded(bmi, 1),
    }


def eligibility(side: str, rng: np.random.Generator) -> Row:
    """Every criterion of 1.1 for a patient who was treated."""
    return {
        **{f"inc_{name}": "1" for name in CRITERIA},
        "iliac_side": side if side == TWO_LEGS or rng.random() < 0.7 else TWO_LEGS,  # noqa: PLR2004 - our share
        **{f"exc_{name}": "0" for name in EXCLUSIONS},
        "eligible_calc": "1",
        "comorbidity_other": "",
    }


def thrombosis(row: Row, rng: np.random.Generator) -> Row:
    """Extent of the thrombosis, shape of the filter, and the days that REDCap counts."""
    return {
        "thrombosis_extent": str(rng.integers(1, 3)),
        "filter_shape": "1" if row["filter_type"] in CONE_SHAPED else "2",
        "occlusion_days_calc": row["occlusion_days"],
        "filter_days_calc": row["filter_days"],
    }


def legs(row: Row, side: str, other: tuple[float, float]) -> Row:
    """Both legs: the affected one as it was measured, the other one thinner by `other` above and below."""
    affected, healthy = ("left", "right") if side == "1" else ("right", "left")
    found = {"limb_side": side}
    above, below = (float(row[f"circ_{site}_knee"]) - thinner for site, thinner in zip(SITES, other, strict=True))
    for site, thin in zip(SITES, (max(above, below + LEAST_TAPER), below), strict=True):
        found[f"circ_{site}_{affected}"] = row[f"circ_{site}_knee"]
        found[f"circ_{site}_{healthy}"] = f"{thin:.1f}"
    return found


def affected_leg(thrombosis_side: str, rng: np.random.Generator) -> str:
    """The leg that is measured for the tables; of two the worse."""
    return str(rng.integers(1, 3)) if thrombosis_side == TWO_LEGS else thrombosis_side


def scores(row: Row, earlier: Row, rng: np.random.Generator) -> Row:
    """The items of both scales, moved until they fit each other and the stockings, and are no copy of `earlier`."""
    points = {name: int(row[name]) for name in row if _is_item(name)}
    misfit = partial(_misfit, stockings=row.get("stockings", ""), earlier=earlier)
    for _ in range(TRIES):
        if not misfit(points):
            break
        _try_a_move(points, misfit, rng)
    found = {name: str(value) for name, value in points.items()}
    total = sum(value for name, value in points.items() if name.startswith("vil_"))
    grade = "3" if row["vil_ulcer"] == "1" or total >= 15 else str((total >= 5) + (total >= 10))  # noqa: PLR2004 - 1.5.3
    return found | {
        "vcss_calc": str(sum(value for name, value in points.items() if name.startswith("vcss_"))),
        "villalta_calc": str(total),
        "pts_calc": grade,
        "vil_examiner": str(rng.integers(1, PHYSICIANS + 1)),
    }


def _is_item(name: str) -> bool:
    other = ("vcss_total", "vcss_complete", "villalta_complete", "villalta_total", "vil_ulcer")
    return name.startswith(("vcss_", "vil_")) and name not in other


def _misfit(points: dict[str, int], *, stockings: str, earlier: Row) -> int:
    """By how many points the scales contradict each other or the stockings, or repeat the visit before."""
    apart = (abs(points[f"vcss_{name}"] - points[f"vil_{name}"]) - MOST_APART for name in IN_BOTH_SCALES)
    worn, compression = stockings == "1", points["vcss_compression"]
    wrong = (worn and compression == 0) or (stockings == "0" and compression == MOST_POINTS)
    return sum(max(0, one) for one in apart) + int(wrong) + sum(_copied(points, earlier, scale) for scale in SCALES)


def _copied(points: dict[str, int], earlier: Row, scale: str) -> bool:
    """Whether all items of a scale are as before, with enough points that a move can change that."""
    items = {name: str(value) for name, value in points.items() if name.startswith(scale)}
    return sum(map(int, items.values())) > MOST_POINTS and all(earlier.get(name) == items[name] for name in items)


def _try_a_move(points: dict[str, int], misfit: Callable[[dict[str, int]], int], rng: np.random.Generator) -> None:
    """Move a point from one item of a scale to another; undone where it makes things worse. Items of ulcers stay."""
    scale = SCALES[int(rng.integers(2))]
    items = [name for name in points if name.startswith(scale) and "ulcer" not in name]
    giver, taker = (items[int(i)] for i in rng.choice(len(items), size=2, replace=False))
    if points[giver] == 0 or points[taker] == MOST_POINTS:
        return
    before = misfit(points)
    points[giver] -= 1
    points[taker] += 1
    if misfit(points) > before:
        points[giver] += 1
        points[taker] -= 1


def images(row: Row, day: date, *, patent: bool, rng: np.random.Generator) -> Row:
    """CTV beside its measurements, and the ultrasound of the same visit."""
    areas = {
        f"{level}_area_calc": rounded(PI_OF_LOGIC / 4 * float(row[f"{level}_trans"]) * float(row[f"{level}_ap"]), 2)
        for level in ("renal", "mid", "origin")
    }
    signs = {f"ctv_signs___{code}": str(int(not patent and (code == 1 or rng.random() < 0.5))) for code in (1, 2, 3)}  # noqa: PLR2004 - our share
    return {
        **areas,
        "ctv_contrast": str(rng.integers(1, 4)),
        "ctv_contrast_ml": str(10 * rng.integers(8, 13)),
        "lumen_structure": str(int(patent)),
        "ctv_reader": str(rng.integers(1, PHYSICIANS + 1)),
        "ctv_density": "" if patent else str(rng.integers(1, 4)),
        **signs,
        "us_date": (day + timedelta(days=int(rng.integers(0, 3)))).isoformat(),
        "us_echo": "0" if patent else str(rng.integers(2, 4)),
        "us_ivc_flow": str(int(patent)),
        "us_iliac": "1" if patent else str(rng.integers(2, 5)),
        **complete("ultrasound"),
    }


def laboratory(sex: str) -> Row:
    """Units and reference ranges, as they stand on the laboratory's sheet."""
    found = {}
    for name, limits in REFERENCE.items():
        low, high = limits[sex] if isinstance(limits, dict) else limits
        found |= {f"{name}_unit": "1", f"{name}_low": low, f"{name}_high": high}
    return found


def survey(row: Row, day: date, rng: np.random.Generator) -> Row:
    """The patient's own answers, at most one point from the physician's."""
    found = {"sv_date": day.isoformat()}
    for name in SYMPTOMS:
        own = int(row[f"vil_{name}"]) + int(rng.choice([-1, 0, 0, 0, 1]))
        found[f"sv_{name}"] = str(min(max(own, 0), MOST_POINTS))
    return found | complete("symptom_survey")


def session(person: Person, side: str, row: Row, rng: np.random.Generator) -> Row:
    """A session of 1.2.1. Where the occlusion could not be crossed nothing was dilated."""
    crossed = person.stopped_reason != "1"
    dilated = {
        "balloon_first_mm": str(rng.choice([4, 6, 8])),
        "balloon_steps": str(rng.integers(3, 6)),
        "second_inflation": "1",
        "balloon_max_mm": row["balloon_max_mm"],
        "balloon_minutes": row["balloon_minutes"],
    }
    return {
        **{name: value if crossed else "" for name, value in dilated.items()},
        "foot_vein_dsa": "1",
        "access_site": str(rng.integers(1, 3)),
        "access_side": side,
        "sheath_f": "8",
        "heparin": "1",
        "dsa_length": str(round(person.visits[0]["occlusion_length"]) + int(rng.integers(-20, 21))),
        "crossed": str(int(crossed)),
        "dsa_result": str(rng.integers(1, 3)) if crossed else "3",
        "extravasation": "0",
        "collaterals_after": str(rng.integers(1, 3)) if crossed else "3",
        "session_contrast_ml": str(10 * rng.integers(8, 16)),
        "compression_hours": "12",
        "saline_ml": "1000",
        "rivaroxaban_mg": "20",
        "rivaroxaban_times": "1",
        "stockings_advised": "1",
        "ankle_taught": "1",
        "ankle_minutes": str(rng.integers(5, 11)),
        **complete("post_treatment"),
    }


def pathway(person: Person, first: date, retrieval: date | None, second: date | None, rng: np.random.Generator) -> Row:
    """What 1.2.2 does with a filter of this shape."""
    method = person.codes["retrieval"]
    row = dict.fromkeys((*CONICAL, *SPINDLE), "") | complete("filter_pathway")
    row |= {"retrieval_route": "", "filter_damage": ""}
    if method != "0":
        row |= {"retrieval_route": "3" if method == "2" else str(rng.integers(1, 3)), "filter_damage": "0"}
    if person.stopped_reason == "1":
        return row
    if person.codes["filter_type"] in CONE_SHAPED:
        return row | {"path_retrieved_first": "1", "path_tear": "0", "path_dilated_at_once": "1"}
    return row | _spindle(person, first, retrieval, second, rng)


CONICAL = ("path_retrieved_first", "path_tear", "path_dilated_at_once")
SPINDLE = (
    *("path_dilated_first", "path_review_date", "path_review_patent"),
    *("path_redilated_date", "path_second_review", "path_failed"),
)


def _spindle(person: Person, first: date, retrieval: date | None, second: date | None, rng: np.random.Generator) -> Row:
    """Dilated first; a review after a month of anticoagulation; occluded again is dilated again, and then failure."""
    before_retrieval = timedelta(days=int(rng.integers(1, 4)))
    review = retrieval - before_retrieval if retrieval else first + timedelta(days=int(rng.integers(24, 31)))
    again = person.stopped_reason == "2"
    if again and second:
        review = min(review, second - timedelta(days=1))
    return {
        "path_dilated_first": "1",
        "path_review_date": review.isoformat(),
        "path_review_patent": str(int(not again)),
        "path_redilated_date": second.isoformat() if again and second else "",
        "path_second_review": "0" if again and second else "",
        "path_failed": str(int(again)),
    }


def month_6(person: Person, visit: date, rng: np.random.Generator) -> Row:
    """What the images of month 6 decided about anticoagulation."""
    stop = person.group == "patency" and bool(rng.random() < 0.5)  # noqa: PLR2004 - our share
    decision = "1" if stop else "2"
    return {
        "visit_window_reason": "",
        "image_decision": decision,
        "anticoag_end": visit.isoformat() if stop else "",
        "ankle_exercise": "1",
    }


def adverse_event(rng: np.random.Generator) -> Row:
    """How an event of a session is related to it, and whether anything was done."""
    return {"ae_related": str(rng.integers(1, 3)), "ae_treated": str(rng.integers(0, 2))}


def end_of_study(person: Person, last: date) -> Row:
    """Completed with the visit of month 6, or why it ended earlier."""
    status = {"": "1", "4": "3"}.get(person.stopped_reason, "2")
    day = last if status == "1" else last + timedelta(days=30)
    return {
        "eos_date": day.isoformat(),
        "eos_status": status,
        "eos_death_date": "",
        "eos_comment": "",
        **complete("end_of_study"),
    }
