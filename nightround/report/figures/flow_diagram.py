"""The flow diagram: one box a step of the plan, one row a depth, and next to each arrow who did not go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from nightround.report.figures.drawing import TEXT, WIDTH, Drawing, Label, Pen, Polyline, Rect, Shape

BOX = 200.0
SIDE_BOX = 206.0
ROW_GAP = 50.0
"""Points between two rows of boxes; more where many did not go on."""
COLUMN_GAP = 28.0
PADDING = 9.0
LEADING = 14.0
REASON_INDENT = 9.0


@dataclass(frozen=True)
class FlowStep:
    """A step with its count, in the language of the report. `of` is '' for the first; a `side` step goes no further."""

    id: str
    label: str
    count: int
    of: str
    side: bool = False
    strong: bool = False
    """Whether the tables are about its patients."""


@dataclass(frozen=True)
class PlacedStep:
    """A step with its box: the middle of its upper edge, its size, and its lines of text."""

    step: FlowStep
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.y + self.height


@dataclass(frozen=True)
class FlowTexts:
    """The texts of the diagram: its title, `n = 5`, `reason (n = 5)`, and the reason where the plan names none."""

    title: str
    count: Callable[[int], str]
    reason: Callable[[str, int], str]
    not_continued: str


def children_of(step: FlowStep, steps: Sequence[FlowStep]) -> list[FlowStep]:
    """The steps right below one."""
    return [other for other in steps if other.of == step.id]


def main_children(step: FlowStep, steps: Sequence[FlowStep]) -> list[FlowStep]:
    """Those who go on: the children with children of their own, or all where none has."""
    children = [child for child in children_of(step, steps) if not child.side]
    return [child for child in children if children_of(child, steps)] or children


def flow_drawing(steps: Sequence[FlowStep], texts: FlowTexts, pen: Pen) -> Drawing:
    """Draw the steps from above to below."""
    placed = place(steps, texts, pen)
    shapes = [shape for box in placed.values() for shape in box_shapes(box, texts, pen)]
    for box in placed.values():
        following = [placed[child.id] for child in main_children(box.step, steps)]
        shapes += connections(box, following)
        shapes += side_box(box, list(left_out(box.step, steps, texts)), following, texts, pen)
    height = max(box.bottom for box in placed.values()) + 2
    return Drawing(WIDTH, height, texts.title, tuple(shapes))


def gap_below(row: Sequence[FlowStep], steps: Sequence[FlowStep], texts: FlowTexts, pen: Pen) -> float:
    """The room below a row of boxes: enough for whoever is listed next to its arrows."""
    counts = [sum(1 for one in left_out(step, steps, texts) for _ in side_lines(one, texts, pen)) for step in row]
    return max(ROW_GAP, PADDING + LEADING * max(counts, default=0) + PADDING)


def place(steps: Sequence[FlowStep], texts: FlowTexts, pen: Pen) -> Mapping[str, PlacedStep]:
    """Give each step that goes on its box; the boxes of one depth stand side by side."""
    placed: dict[str, PlacedStep] = {}
    row, top = [step for step in steps if not step.of], 1.0
    while row:
        boxes = list(place_row(row, top, pen))
        placed |= {box.step.id: box for box in boxes}
        top = max(box.bottom for box in boxes) + gap_below(row, steps, texts, pen)
        row = [child for step in row for child in main_children(step, steps)]
    return placed


def place_row(row: Sequence[FlowStep], top: float, pen: Pen) -> Iterator[PlacedStep]:
    """The boxes of one depth, evenly over the width."""
    slot = WIDTH / len(row)
    width = min(BOX, slot - COLUMN_GAP)
    texts = [pen.lines(step.label, width - 2 * PADDING, style="bold") for step in row]
    height = 2 * PADDING + LEADING * (max(map(len, texts)) + 1) - 3
    for number, (step, lines) in enumerate(zip(row, texts, strict=True)):
        yield PlacedStep(step, slot * (number + 0.5), top, width, height, lines)


@dataclass(frozen=True)
class Left:
    """Who did not go on, and how many; a `reason` is under the step it is of."""

    label: str
    count: int
    reason: bool = False


def left_out(step: FlowStep, steps: Sequence[FlowStep], texts: FlowTexts) -> Iterator[Left]:
    """Who did not go on: the steps that end here with their reasons, and whoever is in no step at all."""
    children, following = children_of(step, steps), main_children(step, steps)
    for child in (child for child in children if child not in following):
        yield Left(child.label, child.count)
        yield from (Left(why.label, why.count, reason=True) for why in children_of(child, steps) if why.count)
    missing = step.count - sum(child.count for child in children)
    if children and missing > 0:
        yield Left(texts.not_continued, missing)


def box_shapes(box: PlacedStep, texts: FlowTexts, pen: Pen) -> Iterator[Shape]:
    """A box, its label in bold, and its count."""
    style = "box-strong" if box.step.strong else "box"
    yield Rect(box.x - box.width / 2, box.y, box.width, box.height, style)
    baseline = box.y + PADDING + TEXT
    for line in box.lines:
        yield pen.centred(box.x, baseline, line, "bold")
        baseline += LEADING
    yield pen.centred(box.x, baseline, texts.count(box.step.count))


def connections(parent: PlacedStep, children: Sequence[PlacedStep]) -> Iterator[Shape]:
    """An arrow to each child, over a common crossbar where there are several."""
    for child in children:
        turn = (parent.bottom + child.y) / 2
        bend = ((parent.x, turn), (child.x, turn)) if child.x != parent.x else ()
        yield Polyline(((parent.x, parent.bottom), *bend, (child.x, child.y)), "connector", arrow=True)


def side_box(
    parent: PlacedStep, reasons: Sequence[Left], following: Sequence[PlacedStep], texts: FlowTexts, pen: Pen
) -> Iterator[Shape]:
    """Next to the arrow: who left here, and why."""
    if not reasons:
        return
    lines = [line for one in reasons for line in side_lines(one, texts, pen)]
    height = PADDING + LEADING * len(lines)
    gap = (following[0].y if following else parent.bottom + ROW_GAP) - parent.bottom
    middle = parent.bottom + gap / (2 if len(following) == 1 else 4)
    left = WIDTH - SIDE_BOX
    yield Polyline(((parent.x, middle), (left, middle)), "connector", arrow=True)
    yield Rect(left, middle - height / 2, SIDE_BOX, height, "side")
    baseline = middle - height / 2 + PADDING / 2 + TEXT
    for indent, line in lines:
        yield Label(left + PADDING + indent, baseline, line, "soft")
        baseline += LEADING


def side_lines(one: Left, texts: FlowTexts, pen: Pen) -> Iterator[tuple[float, str]]:
    """The lines of who did not go on, each with its indent."""
    indent = REASON_INDENT if one.reason else 0.0
    for line in pen.lines(texts.reason(one.label, one.count), SIDE_BOX - 2 * PADDING - indent):
        yield indent, line
