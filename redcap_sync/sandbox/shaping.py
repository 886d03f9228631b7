"""What an export does to the cells of a row before they are rendered: labels, decimals, combined checkboxes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from redcap_sync.project.state import StoredProject
from redcap_sync.sandbox.export_labels import header_label, labelling, value_labels

Cells = dict[str, str]
Step = Callable[[Cells], Cells]


@dataclass(frozen=True)
class Shape:
    """How an export looks."""

    labels: bool = False
    label_headers: bool = False
    checkbox_labels: bool = False
    decimal: str = ""
    combine: bool = False

    @property
    def plain(self) -> bool:
        """Whether cells are shown as they are stored."""
        return not (self.labels or self.decimal or self.combine)


def shaped(project: StoredProject, shape: Shape, rows: Iterable[Cells]) -> Iterable[Cells]:
    """Apply what is asked for to every row; a plain export passes through untouched."""
    steps = list(_steps(project, shape))
    for step in steps:
        rows = map(step, rows)
    return rows


def shaped_names(project: StoredProject, shape: Shape, names: Sequence[str]) -> Sequence[str]:
    """Column names after shaping."""
    return tuple(_combining(project)(dict.fromkeys(names, ""))) if shape.combine else names


def headers(project: StoredProject, shape: Shape, names: Sequence[str]) -> Sequence[str]:
    """The header line: names, or labels where they are asked for."""
    return [header_label(project, name) for name in names] if shape.label_headers else names


def _steps(project: StoredProject, shape: Shape) -> Iterable[Step]:
    if shape.decimal:
        yield _with_decimal(project, shape.decimal)
    if shape.labels:
        checkbox_labels = shape.checkbox_labels or shape.combine
        yield labelling(value_labels(project, checkbox_labels=checkbox_labels))
    if shape.combine:
        yield _combining(project, labelled=shape.labels)


def shaped_values(project: StoredProject, shape: Shape, rows: Iterable[Cells]) -> Iterable[Cells]:
    """Apply to rows of one value each, as EAV has them, what is asked of numbers."""
    if not shape.decimal:
        return rows
    written = _decimals(project, shape.decimal)
    return ({**row, "value": written(row["field_name"], row["value"])} for row in rows)


def _with_decimal(project: StoredProject, decimal: str) -> Step:
    written = _decimals(project, decimal)

    def step(cells: Cells) -> Cells:
        return {name: written(name, value) for name, value in cells.items()}

    return step


def _decimals(project: StoredProject, decimal: str) -> Callable[[str, str], str]:
    """Return what writes a value of a calculated or number field with a decimal character."""
    other = "." if decimal == "," else ","
    fields = project.dictionary.fields
    numbers = frozenset(f.name for f in fields if f.kind == "number" and f.type != "slider")
    return lambda name, value: value.replace(other, decimal) if name in numbers else value


def _combining(project: StoredProject, *, labelled: bool = False) -> Step:
    """One column per checkbox that contains the ticked options, joined by commas."""
    by_name = project.layout.by_name

    def step(cells: Cells) -> Cells:
        combined: Cells = {}
        for name, value in cells.items():
            column = by_name.get(name)
            if column is None or column.field is None or column.option is None:
                combined[name] = value
                continue
            ticked = value not in ("", "0")
            shown = (value if labelled else column.option.code) if ticked else ""
            so_far = combined.get(column.field.name, "")
            combined[column.field.name] = ",".join(part for part in (so_far, shown) if part)
        return combined

    return step


def eav_label(labels: Mapping[str, Mapping[str, str]]) -> Callable[[str, str], str]:
    """Return what shows a single value by its label."""
    return lambda name, value: labels.get(name, {}).get(value, value)
