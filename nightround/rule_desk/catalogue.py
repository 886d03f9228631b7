"""The catalogue: a page for each rule of a study, made from its rule files and its dictionary.

It is one Markdown document, in Chinese and English side by side, and the same files give the same bytes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from nightround.model.language import LANGUAGES, Words
from nightround.model.rule import Example, Rule, Severity
from nightround.rule_desk.linted import Linted
from nightround.rule_desk.study_rules import all_rules
from nightround.study.folder import Study
from redcap_sync.dictionary import Dictionary
from redcap_sync.logic import Expression, Reference, in_words

SEVERITIES = {
    Severity.CRITICAL: Words("严重", "critical"),
    Severity.MAJOR: Words("重要", "major"),
    Severity.MINOR: Words("一般", "minor"),
}
VERDICTS = {
    "passes": Words("通过", "passes"),
    "fails": Words("质疑", "fails"),
    "skipped": Words("不核查", "skipped"),
}
INTRODUCTION = """\
This page is generated from the rule files and the data dictionary beside it; change those, then run

```sh
nightround rules {study} --catalogue > expectations/{study}/README.md
```

A rule asks about a row when its logic, written in REDCap's own language, is true.
Of the rows in its scope, only those whose needed cells are filled are checked; the rest are counted, not passed.

本页由规则文件与数据字典生成，请勿直接编辑。逻辑（REDCap 语法）为真时，该行即被质疑。
在规则适用的各行中，仅所需字段均已填写者计入“已核查”；其余单独计数，不视为通过。
"""


def catalogue(study: Study) -> str:
    """The catalogue of a study as Markdown."""
    rules, dictionary = all_rules(study)
    own = [rule for rule in rules if rule.origin == "study"]
    title = study.settings.study.title.words()
    parts = [
        f"# {title.zh}",
        title.en,
        INTRODUCTION.format(study=study.id).rstrip(),
        "## 规则一览 Index",
        _table(("规则 Rule", "严重程度 Severity", "内容 What must hold"), (_index_row(rule) for rule in own)),
        *(part for rule in own for part in _page(Linted(rule, dictionary))),
        *_of_project([rule for rule in rules if rule.origin == "redcap"]),
        "## 数据字典规则 Rules of the dictionary",
        "由数据字典逐字段生成，内容随字典变化。 One a field, made from the data dictionary.",
        _table(
            ("规则 Rule", "数量 Count", "字段或表单 Fields or instruments"),
            _of_dictionary(rule for rule in rules if rule.origin == "dictionary"),
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _index_row(rule: Rule) -> tuple[str, ...]:
    return f"[{rule.id}](#{rule.id.lower()})", _both(SEVERITIES[rule.severity]), _two_lines(rule.title)


def _page(linted: Linted) -> Iterator[str]:
    rule = linted.rule
    yield f"## {rule.id}"
    yield f"**{rule.title.zh}**  \n**{rule.title.en}**"
    yield _table(("", ""), _facts(linted))
    yield _said("何时质疑 When it asks", _worded(linted.discrepancy, linted.dictionary))
    yield _code(rule.discrepancy)
    if rule.applies:
        yield _said("适用条件 Where it applies", _worded(linted.applies, linted.dictionary))
        yield _code(rule.applies)
    yield _said("研究协调员的处理 What the coordinator does", rule.advice)
    if any(rule.analyst):
        yield _said("分析者须知 What an analyst must know", rule.analyst)
    yield "**示例 Examples**"
    yield _table(("结论 Verdict", "数据 Values"), (_example_row(example) for example in rule.examples))


def _facts(linted: Linted) -> Iterator[tuple[str, str]]:
    rule, dictionary = linted.rule, linted.dictionary
    labels = {one.name: one.label for one in dictionary.instruments}
    events = {event.unique_name: event.in_both for event in dictionary.events}
    yield "严重程度 Severity", _both(SEVERITIES[rule.severity])
    yield "负责人 Owner", f"`{rule.owner}`"
    yield "表单 Instrument", f"{_cell(labels[rule.instrument])} (`{rule.instrument}`)"
    if dictionary.longitudinal:
        yield "事件 Events", ", ".join(f"{_cell(events[event])} (`{event}`)" for event in linted.events)
    yield "已核查的条件 Checked where filled", _named(linted.needed, dictionary) or "— 各行均核查 every row"
    yield "提示字段 Shown fields", _named((Reference(name) for name in rule.fields), dictionary)
    yield "来源 Source", _cell(rule.source)


def _named(columns: Iterable[Reference], dictionary: Dictionary) -> str:
    """Columns by their label in both languages, said once where it is one text, and their names."""
    return "<br>".join(_name(reference, dictionary) for reference in columns)


def _name(reference: Reference, dictionary: Dictionary) -> str:
    said = dict.fromkeys(in_words(reference, dictionary, language) for language in LANGUAGES)
    return f"{_cell(' '.join(said))} (`{reference.column}`)"


def _worded(node: Expression, dictionary: Dictionary) -> Words:
    return Words(*(in_words(node, dictionary, language) for language in LANGUAGES))


def _said(heading: str, words: Words) -> str:
    return f"**{heading}**\n\n- {words.zh}\n- {words.en}"


def _code(logic: str) -> str:
    return f"```text\n{logic.strip()}\n```"


def _example_row(example: Example) -> tuple[str, str]:
    cells = ", ".join(f"`{column}` = {_cell(text) or '∅'}" for column, text in example.values.items())
    return _both(VERDICTS[example.verdict]), cells


def _of_project(rules: Sequence[Rule]) -> Iterator[str]:
    """REDCap's own custom rules, which have a name and logic alone; nothing where there are none."""
    if rules:
        yield "## 项目自带规则 Rules of the project"
        yield "来自 REDCap 的 Data Quality 页面，逻辑为真即为质疑。 From REDCap; true is a discrepancy."
        rows = ((rule.id, _cell(rule.title.en), _code_cell(rule.discrepancy)) for rule in rules)
        yield _table(("规则 Rule", "名称 Name", "逻辑 Logic"), rows)


def _code_cell(logic: str) -> str:
    """Logic in one line; only a bar could break out of its cell."""
    bar = "\\|"
    return f"`{' '.join(logic.split()).replace('|', bar)}`"


def _of_dictionary(rules: Iterable[Rule]) -> Iterator[tuple[str, ...]]:
    kinds: dict[str, list[str]] = defaultdict(list)
    for rule in rules:
        kinds[rule.kind].append(f"`{rule.place.name}`")
    yield from ((f"`{kind}`", str(len(names)), ", ".join(names)) for kind, names in kinds.items())


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _both(words: Words) -> str:
    return f"{words.zh} {words.en}"


def _two_lines(words: Words) -> str:
    return f"{_cell(words.zh)}<br>{_cell(words.en)}"


def _cell(text: str) -> str:
    """A text that cannot break out of a cell."""
    return text.replace("|", "\\|").replace("<", "&lt;")
