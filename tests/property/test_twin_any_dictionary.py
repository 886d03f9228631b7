"""The twin of a random dictionary: A to I find nothing but what the dictionary makes unavoidable."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from nightround.simulation.twin.twin_files import write_twin
from redcap_sync.sandbox.project_sources import project_from_folder
from redcap_sync.validation_types import PATTERNS
from tests.twin_examples import CHOICES, HIGH, LOW, NOW, VALIDATION, exported, field, file_rows, made, write_project

TYPES = ["", *(name for name in PATTERNS if name not in ("int", "float"))]
RANGES = {
    "integer": ("2", "9"),
    "number": ("-1.5", "4"),
    "date_ymd": ("2023-01-01", "2024-12-31"),
    "time": ("07:00", ""),
}
LISTED = {
    "A": {"twin.reason.no_result", "twin.reason.restless"},
    "B": {"twin.reason.no_result", "twin.reason.restless"},
    "E": {"twin.reason.outlier"},
    "F": {"twin.reason.hidden_calculation", "twin.reason.restless"},
    "H": {"twin.reason.restless", "twin.reason.of_the_day"},
}
"""What a dictionary of this kind can make unavoidable."""


@st.composite
def fields(draw: st.DrawFn, form: str, name: str, names: list[str], numbers: list[str]) -> dict[str, str]:
    """A field that may read any field before it."""
    kind = draw(
        st.sampled_from(["text", "text", "text", "radio", "yesno", "checkbox", "notes", "slider", "calc", "file"])
    )
    more = {"required_field": draw(st.sampled_from(["", "y"]))}
    if kind == "text":
        more[VALIDATION] = draw(st.sampled_from(TYPES))
        if more[VALIDATION] in RANGES and draw(st.booleans()):
            more[LOW], more[HIGH] = RANGES[more[VALIDATION]]
    if kind in ("radio", "checkbox"):
        more[CHOICES] = draw(st.sampled_from(["1, A | 2, B", "0, None | 1, One | 2, Two | -9, Other", "a, A"]))
    if kind == "calc":
        parts = draw(st.lists(st.sampled_from(numbers), min_size=1, max_size=3)) if numbers else ["id"]
        more[CHOICES] = draw(st.sampled_from(["sum({})", "mean({})", "round(max({}), 1)"])).format(
            ", ".join(f"[{one}]" for one in parts)
        )
    if names and draw(st.booleans()):
        other = draw(st.sampled_from(names))
        more["branching_logic"] = draw(
            st.sampled_from([f"[{other}] <> ''", f"[{other}] = '1'", f"[{other}] > 3", f"not([{other}] = '')"])
        )
    return field(name, form, kind, **more)


@st.composite
def projects(draw: st.DrawFn) -> dict[str, object]:
    """Up to three instruments, with or without events, repeating ones among them."""
    rows, names, numbers = [field("id", "form0")], [], []
    for form in range(draw(st.integers(1, 3))):
        for _ in range(draw(st.integers(1, 5))):
            row = draw(fields(f"form{form}", f"f{len(rows)}", names, numbers))
            rows.append(row)
            if row["field_type"] != "checkbox":
                names.append(row["field_name"])
            if row.get(VALIDATION) in ("integer", "number") or row["field_type"] in ("slider", "yesno"):
                numbers.append(row["field_name"])
    forms = list(dict.fromkeys(row["form_name"] for row in rows))
    project: dict[str, object] = {"rows": rows, "groups": draw(st.sampled_from([[], ["North", "South"]]))}
    if draw(st.booleans()):
        events = ["a_arm_1", "b_arm_1"]
        project["events"] = [
            {"event_name": name[0], "arm_num": 1, "unique_event_name": name, "day_offset": 14 * number}
            for number, name in enumerate(events)
        ]
        project["mapping"] = [("a_arm_1", form) for form in forms] + [("b_arm_1", forms[-1])]
        project["repeating"] = draw(st.sampled_from([[], [("b_arm_1", forms[-1])], [("b_arm_1", "")]]))
    elif len(forms) > 1:
        project["repeating"] = draw(st.sampled_from([[], [("", forms[-1])]]))
    return project


@settings(max_examples=20, deadline=None)
@given(projects(), st.integers(0, 5))
def test_the_twin_of_any_dictionary_is_clean_and_comes_back(project: dict[str, object], seed: int) -> None:
    """Nothing is found but with a known reason; the sandbox gives back what was written."""
    with tempfile.TemporaryDirectory() as folder:
        rows = project.pop("rows")
        twin = made(write_project(Path(folder) / "project", rows, **project), 12, seed)  # type: ignore[arg-type]
        for one in twin.unavoidable:
            assert one.reason.code in LISTED.get(one.rule, set()), one
        out = Path(folder) / "twin"
        write_twin(twin, out)
        assert exported(project_from_folder(out, clock=lambda: NOW)) == file_rows(out / "records.csv")
