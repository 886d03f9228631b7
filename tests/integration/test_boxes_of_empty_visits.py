"""Options of a checkbox at a visit that has no data: read in one way by rules and by the sandbox."""

import json
from pathlib import Path

import pytest
import requests

from nightround.cli.main import main
from nightround.validation import lookup
from redcap_sync.logic.switches import ReferenceSwitches
from redcap_sync.sandbox import logic_rows, running
from redcap_sync.sandbox.project_sources import project_from_xml
from tests.project_xml import Item, Opened, project_xml
from tests.sandbox_examples import Clock

ITEMS = [
    Item("record_id", "base"),
    Item("age", "base", validation="integer"),
    Item("signs", "exam", "checkbox", choices="1, Pain | 2, Fever"),
    Item("drug", "diary", "checkbox", choices="1, A | 2, B"),
    Item("other", "never", "checkbox", choices="1, A"),
]
EVENTS = {"start_arm_1": ["base", "exam"], "later_arm_1": ["exam", "diary"]}
RECORDS = [
    *(Opened(record, "base", {"record_id": record, "age": "40"}, event="start_arm_1") for record in ("1", "2", "3")),
    Opened("1", "exam", {"record_id": "1", "signs___1": "1", "exam_complete": "2"}, event="later_arm_1"),
    Opened("2", "exam", {"record_id": "2", "signs___1": "0", "exam_complete": "2"}, event="later_arm_1"),
]
IN_FIRST = "[event-name] = 'start_arm_1' and [age] = 40 and "
CASES = {
    "[later_arm_1][signs(1)] = '0'": (["2", "3"], ["2"]),
    "[later_arm_1][signs(1)] = 1": (["1"], ["1"]),
    "[later_arm_1][signs(1)] <> '1'": (["2", "3"], ["2", "3"]),
    "[later_arm_1][signs(1)] = ''": ([], ["3"]),
    "[later_arm_1][signs(1)] + [later_arm_1][signs(2)] < 1": (["2", "3"], ["2"]),
    "[next-event-name][signs(1)] = 0": (["2", "3"], ["2"]),
    "[signs(1)] = '0'": (["1", "2", "3"], ["1", "2", "3"]),
    "[later_arm_1][drug(1)] = ''": (["1", "2", "3"], ["1", "2", "3"]),
    "[later_arm_1][drug(1)] = '0'": ([], []),
    "[later_arm_1][drug(1)][1] = '0'": ([], []),
    "[later_arm_1][other(1)] = '0'": ([], []),
    "[later_arm_1][age] = ''": (["1", "2", "3"], ["1", "2", "3"]),
}


def _project(folder: Path, rules: list[tuple[str, str]]) -> Path:
    path = folder / "p.xml"
    text = project_xml(ITEMS, RECORDS, events=EVENTS, repeating=[("later_arm_1", "diary")], rules=rules)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(params=[True, False], ids=["unticked", "blank"])
def reading(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """The switch, turned either way."""
    chosen = ReferenceSwitches(box_of_an_empty_visit_is_unticked=request.param)
    for module in (lookup, logic_rows):
        monkeypatch.setattr(module, "DEFAULT_REFERENCE_SWITCHES", chosen)
    return chosen.box_of_an_empty_visit_is_unticked


def test_rules_read_boxes_of_empty_visits_as_the_switch_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], *, reading: bool
) -> None:
    """0 where the visit could have the option, blank with the switch turned, and blank where no option can be."""
    path = _project(tmp_path, [(logic, IN_FIRST + logic) for logic in CASES])
    with pytest.raises(SystemExit):
        main(["try", str(path), "--json"])
    rules = {rule["name"]: rule for rule in json.loads(capsys.readouterr().out)["rules"]}
    found = {logic: [row["record"] for row in rules[logic]["rows"]] for logic in CASES}
    assert found == {logic: expected[0 if reading else 1] for logic, expected in CASES.items()}


def test_filters_read_boxes_of_empty_visits_as_the_switch_says(tmp_path: Path, *, reading: bool) -> None:
    """The sandbox reads them as the rules do."""
    project = project_from_xml(_project(tmp_path, []), clock=Clock())
    with running([project]) as sandbox:
        asked = {"token": sandbox.token(project), "content": "record", "format": "json"}
        for logic, expected in CASES.items():
            answer = requests.post(sandbox.api_url, data={**asked, "filterLogic": IN_FIRST + logic}, timeout=10)
            assert [row["record_id"] for row in answer.json()] == expected[0 if reading else 1], logic
