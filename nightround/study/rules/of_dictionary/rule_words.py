"""What the rules from the dictionary are called, and what a coordinator does about them."""

from __future__ import annotations

from nightround.model.language import Words
from nightround.model.rule import RuleKind
from nightround.texts.labels import words_of_label
from redcap_sync.dictionary import Field

_TITLES = {
    RuleKind.BLANK: Words("{label} 已填写", "{label} is filled"),
    RuleKind.REQUIRED: Words("必填项 {label} 已填写", "The required field {label} is filled"),
    RuleKind.FORMAT: Words("{label} 的格式正确", "{label} has the form of its validation type"),
    RuleKind.RANGE: Words("{label} 应在 {range} 之内", "{label} is within {range}"),
    RuleKind.OUTLIER: Words("{label} 与均值相差不超过2个标准差", "{label} is within 2 standard deviations of its mean"),
    RuleKind.HIDDEN: Words("{label} 被隐藏时不应有值", "{label} holds no value where it is hidden"),
    RuleKind.CHOICE: Words("{label} 的取值应为字典中的选项", "{label} holds one of the choices of the dictionary"),
    RuleKind.CALCULATION: Words("{label} 与重新计算的结果一致", "{label} is what its formula gives"),
    RuleKind.MISSING_CODE: Words("{label} 未使用缺失代码", "{label} holds no missing data code"),
    RuleKind.SLIP: Words("{label} 的单位与小数点正确", "{label} has the right unit and decimal point"),
}
_FILL_IN = Words(
    "请补录；确实无法获得时请录入缺失代码。", "Fill it in; if it cannot be had, enter a missing data code."
)
_COMPARE = Words(
    "请对照原始病历核对数值与单位；确属如此请注明原因。",
    "Compare value and unit with the chart; if it is right, say why.",
)
_ADVICE = {
    RuleKind.BLANK: _FILL_IN,
    RuleKind.REQUIRED: _FILL_IN,
    RuleKind.FORMAT: Words("请按字段要求的格式重新录入。", "Enter the value again in the form the field asks for."),
    RuleKind.RANGE: _COMPARE,
    RuleKind.OUTLIER: _COMPARE,
    RuleKind.HIDDEN: Words(
        "请核对分支条件；如条件无误，请清空该值。", "Check what hides the field; if that is right, erase the value."
    ),
    RuleKind.CHOICE: Words("请在 REDCap 中重新选择该项。", "Choose the answer again in REDCap."),
    RuleKind.CALCULATION: Words(
        "请打开并保存该表单，或在 REDCap 中执行规则 H 修正。",
        "Open the instrument and save it, or let REDCap's rule H fix it.",
    ),
    RuleKind.MISSING_CODE: Words("请确认该值确实无法获得。", "Confirm that the value cannot be had."),
    RuleKind.SLIP: Words(
        "数值疑似单位或小数点错误：请对照原始病历与建议值。",
        "Likely a slip of the unit or the decimal point: compare the chart with the suggested value.",
    ),
}


def title_of(kind: RuleKind, field: Field) -> Words:
    """What must hold, in both languages."""
    between = f"{field.minimum or '…'} – {field.maximum or '…'}"
    labels = words_of_label(field.label or field.name)
    filled = (text.replace("{label}", label) for text, label in zip(_TITLES[kind], labels, strict=True))
    return Words(*(text.replace("{range}", between) for text in filled))


def advice_of(kind: RuleKind) -> Words:
    """What a coordinator does about a finding of this kind."""
    return _ADVICE[kind]
