"""The synthetic patients as arrays: 62 who completed three sessions, and 10 who did not.

The 62 carry the published numbers. The 10 are put together from instruments of different completers,
so they are plausible and consistent within each instrument, and copies of nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from .body import body_mass_index, on_the_chart, solve_age, solve_body
from .measured import solve_paired, solve_vein
from .published import GROUPS, group_size, targets
from .ranked import solve_durations, solve_skewed, solve_vcss, solve_villalta
from .search import Numbers, Steps

BEFORE, AFTER = 0, 1
LABORATORY = ("hb", "plt", "hcy", "alt", "ast", "urea", "cr")
SCALES_APART = 3
"""By how many points VCSS lies above Villalta in the published medians, about."""
LOOSELY = 60.0
"""How far from the best pairing two scales of one patient may be, in squared points."""
ULCER_POINTS = 5
ORDER_SEED = 72
"""The planted errors of nights.toml name records; under one order they mean the same for every seed."""
CONE_SHAPED = ("1", "2")
"""Denali and Option; Cordis, VenaTech LP and Simon Nitinol are the shapes that were opened for or left in."""
STOPPED = (("1", 1), ("1", 1), ("1", 1), ("2", 1), ("2", 2), ("2", 2), ("3", 1), ("3", 2), ("4", 2), ("5", 1))
"""Reason and number of sessions of the 10 who did not complete three: codes of `stopped_reason`."""


@dataclass(frozen=True)
class Person:
    """One synthetic patient: values by field, once and at both visits, and the course of the treatment."""

    once: dict[str, float]
    visits: tuple[dict[str, float], ...]
    codes: dict[str, str]
    group: str
    """patency, occlusion, or '' for who did not complete three sessions."""
    sessions: int
    stopped_reason: str = ""


def everyone(rng: np.random.Generator) -> list[Person]:
    """All 72. Their order is mixed but the same for every seed, so that a record keeps its group."""
    body, age, days = solve_body(rng), solve_age(rng), solve_durations(rng)
    vcss, villalta = solve_vcss(rng), solve_villalta(rng)
    edge = group_size(GROUPS[0])
    people: list[Person] = []
    for number, group in enumerate(GROUPS):
        ours = slice(0, edge) if number == 0 else slice(edge, None)
        once = dict(zip(("height_cm", "weight_kg", "bmi"), body[ours].T, strict=True)) | {"age": age[ours]}
        once |= {name: both[number] for name, both in days.items()}
        visits = _visits(group, vcss[group], villalta[group], rng)
        people += _group(group, number, once, visits, rng)
    people += [_stopped(people, reason, sessions, rng) for reason, sessions in STOPPED]
    return [people[i] for i in np.random.default_rng(ORDER_SEED).permutation(len(people))]


def _visits(
    group: str, vcss: Steps, villalta: tuple[Steps, Steps, Steps], rng: np.random.Generator
) -> dict[str, Numbers]:
    totals, grades, ulcers = villalta
    scores = {"villalta_total": totals, "pts_grade": grades, "vil_ulcer": ulcers}
    scores["vcss_total"] = _belonging(vcss, totals, ulcers, rng.spawn(1)[0])
    d_dimer = np.round(np.exp(rng.normal(np.log(0.25), 0.3, size=totals.shape)), 2)
    laboratory = solve_skewed(group, rng) | {"d_dimer": np.clip(d_dimer, 0.08, 0.48)}
    return solve_paired(group, rng) | solve_vein(group, rng) | laboratory | scores


def _belonging(vcss: Steps, villalta: Steps, ulcers: Steps, rng: np.random.Generator) -> Steps:
    """Give each patient the VCSS that goes with the Villalta score at both visits, loosely, as two scales do.

    Three items of VCSS are about ulcers: who has one has at least their points at each visit.
    """
    apart = np.abs(vcss[:, None, :] - SCALES_APART - villalta[None, :, :])
    cost = (apart**2).sum(axis=2) + rng.uniform(0, LOOSELY, size=apart.shape[:2])
    too_low = (vcss.min(axis=1)[:, None] < ULCER_POINTS) & ulcers.any(axis=1)[None, :]
    rows, patients = linear_sum_assignment(cost + too_low * cost.max() * len(vcss))
    return vcss[rows[np.argsort(patients)]]


def _group(
    group: str, number: int, once: dict[str, Numbers], visits: dict[str, Numbers], rng: np.random.Generator
) -> list[Person]:
    codes = _codes(number, once["height_cm"], rng)
    return [
        Person(
            once={name: float(values[i]) for name, values in once.items()},
            visits=tuple({name: float(values[i, when]) for name, values in visits.items()} for when in (BEFORE, AFTER)),
            codes={name: str(values[i]) for name, values in codes.items()},
            group=group,
            sessions=3,
        )
        for i in range(group_size(group))
    ]


def _codes(number: int, height: Numbers, rng: np.random.Generator) -> dict[str, Any]:
    """The choice fields of one group, with exactly the printed counts."""
    codes = {}
    for name, counts in targets()["counts"].items():
        codes[name] = rng.permutation(np.repeat(list(counts), [count[number] for count in counts.values()]))
    shortest_first = np.argsort(np.argsort(height + rng.normal(scale=5, size=len(height))))
    codes["sex"] = np.sort(codes["sex"])[::-1][shortest_first]
    codes["retrieval"] = _retrieval(codes["filter_type"], number)
    return codes


def _retrieval(filter_type: Any, number: int) -> Any:
    """1 through the vein, 2 by open surgery, 0 left in: the shape of the filter decides, as in the paper, 1.2.2."""
    retrieval = targets()["retrieval"]
    found = np.where(np.isin(filter_type, CONE_SHAPED), "1", "?")
    found[found == "?"] = np.repeat(["2", "0"], [retrieval["open"][number], retrieval["not_retrieved"][number]])
    return found


INSTRUMENT_OF = {
    "body": ("age", "height_cm", "weight_kg", "bmi", "sex"),
    "history": ("filter_days", "occlusion_days", "filter_type", "thrombosis_side"),
    "limbs": ("circ_above_knee", "circ_below_knee"),
    "scores": ("vcss_total", "villalta_total", "pts_grade", "vil_ulcer"),
    "ctv": tuple(f"{level}_{what}" for level in ("renal", "mid", "origin") for what in ("trans", "ap", "area")),
}
"""Fields that are taken from one and the same completer, because a rule looks at them together."""


def _stopped(people: list[Person], reason: str, sessions: int, rng: np.random.Generator) -> Person:
    """Somebody who stopped after one or two sessions, made from the instruments of different completers."""
    donor = {name: people[int(rng.integers(len(people)))] for names in INSTRUMENT_OF.values() for name in names}
    for names in INSTRUMENT_OF.values():
        one = people[int(rng.integers(len(people)))]
        donor |= dict.fromkeys(names, one)

    def taken(part: str, names: Any) -> dict[str, Any]:
        anyone = people[int(rng.integers(len(people)))]
        values = {name: donor.get(name, anyone) for name in names}
        if part == "visit":
            return {name: person.visits[BEFORE][name] for name, person in values.items()}
        return {name: getattr(person, part)[name] for name, person in values.items()}

    model = people[0]
    codes = taken("codes", model.codes)
    codes["retrieval"] = "1" if codes["filter_type"] in CONE_SHAPED and reason != "1" else "0"
    (anew,) = rng.spawn(1)
    visit = _measured_anew(taken("visit", model.visits[BEFORE]), anew)
    return Person(_another_body(taken("once", model.once), anew), (visit,), codes, "", sessions, reason)


def _another_body(once: dict[str, float], rng: np.random.Generator) -> dict[str, float]:
    """Somebody of about that height and weight."""
    while True:
        height, weight = (round(once[name] * rng.normal(1, 0.01), 1) for name in ("height_cm", "weight_kg"))
        bmi = body_mass_index(np.array(height), np.array(weight))
        if on_the_chart(bmi):
            return once | {"height_cm": height, "weight_kg": weight, "bmi": float(bmi)}


def _measured_anew(visit: dict[str, float], rng: np.random.Generator) -> dict[str, float]:
    """The same measurements as another person would have them: a few percent off, areas with their diameters."""
    found = dict(visit)
    for level in ("renal", "mid", "origin"):
        trans, ap = rng.normal(1, 0.02, size=2)
        found |= {f"{level}_{what}": visit[f"{level}_{what}"] * by for what, by in (("trans", trans), ("ap", ap))}
        found[f"{level}_area"] = visit[f"{level}_area"] * trans * ap
    for name in LABORATORY:
        found[name] = visit[name] * rng.normal(1, 0.03)
    return found
