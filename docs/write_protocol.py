"""Write the table of the study's protocol: each sentence, and the rules that check it.

`make protocol` calls it; a test compares what it writes with the page in the study's folder.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nightround.model.rule import Rule
from nightround.study.folder import load_study
from nightround.study.rules.of_dictionary import rules_from_dictionary
from redcap_sync.project.project_folder import dictionary_from_folder

STUDY = Path(__file__).parents[1] / "expectations" / "venous_occlusion"
HEAD = """# 方案与规则对照 The protocol and its rules

本页由 `protocol.toml` 与规则文件生成，请勿直接编辑；修改后请运行 `make protocol`。
This page is generated from `protocol.toml` and the rule files; change those, then run `make protocol`.

“偏离”为无法更正的方案偏离，只计数、不要求更正。
A *deviation* cannot be undone: it is counted, and nobody is asked to correct it.

| 章节 Section | 方案 Protocol | 规则 Rules |
| --- | --- | --- |
"""
FIELDS = """
## 没有规则的统计字段 Reported fields without a rule

| 字段 Field | 原因 Reason |
| --- | --- |
"""


def page(folder: Path) -> str:
    """The whole page, as Markdown. KeyError where the table names a rule that does not exist."""
    table = tomllib.loads((folder / "protocol.toml").read_text(encoding="utf-8"))
    study = load_study(folder)
    made = rules_from_dictionary(dictionary_from_folder(folder / "project"), study.settings.dictionary_rules)
    rules = {rule.id: rule for rule in (*study.rules, *made)}
    lines = (f"| {one['section']} | {one['text']} | {_checked_by(one, rules)} |\n" for one in table["sentence"])
    without = (
        f"| {', '.join(f'`{name}`' for name in one['names'])} | {one['reason']['zh']}<br>{one['reason']['en']} |\n"
        for one in table["field"]
    )
    return HEAD + "".join(lines) + FIELDS + "".join(without)


def _checked_by(sentence: Mapping[str, Any], rules: Mapping[str, Rule]) -> str:
    return "<br>".join((*_rules(sentence, rules), *_said(sentence)))


def _rules(sentence: Mapping[str, Any], rules: Mapping[str, Rule]) -> Iterator[str]:
    for rule_id in sentence.get("rules", ()):
        rule = rules[rule_id]
        link = f"[{rule_id}](README.md#{rule_id.lower()})" if rule.origin == "study" else f"`{rule_id}`"
        kind = "（偏离 deviation）" if rule.deviation else ""
        yield f"{link} {rule.title.zh}{kind}"


def _said(sentence: Mapping[str, Any]) -> Iterator[str]:
    """What is remarked on a sentence, and why none checks it."""
    for key in ("note", "reason"):
        if key in sentence:
            yield from (sentence[key]["zh"], sentence[key]["en"])


if __name__ == "__main__":
    sys.stdout.write(page(STUDY))
