"""The phrases in which logic is said, in Chinese and English.

`{0}`, `{1}` are the arguments of a function, `{all}` all of them in a row, `{rest}` all but the first.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Language = Literal["zh", "en"]


class Phrase(NamedTuple):
    """One phrase in both languages."""

    zh: str
    en: str

    def in_(self, language: Language) -> str:
        """The phrase in one language."""
        return self.zh if language == "zh" else self.en


EQUAL_TO_LITERAL = {"=": Phrase("为{0}", "is {0}"), "<>": Phrase("不为{0}", "is not {0}")}
EQUAL_TO_VALUE = {"=": Phrase("等于{0}", "equals {0}"), "<>": Phrase("不等于{0}", "differs from {0}")}
ORDER_TO_LITERAL = {
    "<": Phrase("小于{0}", "is less than {0}"),
    ">": Phrase("大于{0}", "is more than {0}"),
    "<=": Phrase("不大于{0}", "is {0} or less"),
    ">=": Phrase("不小于{0}", "is {0} or more"),
}
ORDER_TO_VALUE = {
    "<": Phrase("小于{0}", "is less than {0}"),
    ">": Phrase("大于{0}", "is more than {0}"),
    "<=": Phrase("不大于{0}", "is at most {0}"),
    ">=": Phrase("不小于{0}", "is at least {0}"),
}
ORDER_OF_DATES = {
    "<": Phrase("早于{0}", "is before {0}"),
    ">": Phrase("晚于{0}", "is after {0}"),
    "<=": Phrase("不晚于{0}", "is on or before {0}"),
    ">=": Phrase("不早于{0}", "is on or after {0}"),
}
DIFFERENCE = {
    "<": Phrase("相差不足{0}", "differ by less than {0}"),
    ">": Phrase("相差超过{0}", "differ by more than {0}"),
    "<=": Phrase("相差不超过{0}", "differ by at most {0}"),
    ">=": Phrase("相差不少于{0}", "differ by at least {0}"),
}
MIRRORED = {"=": "=", "<>": "<>", "<": ">", ">": "<", "<=": ">=", ">=": "<="}

BLANK = Phrase("为空", "is blank")
FILLED = Phrase("已填写", "is filled in")
TICKED = Phrase("勾选了{0}", "has {0} ticked")
UNTICKED = Phrase("未勾选{0}", "does not have {0} ticked")
COUNTS_AS_TRUE = Phrase("不为空且不为0", "is neither blank nor 0")
COUNTS_AS_FALSE = Phrase("为空或为0", "is blank or 0")
NOT_THE_CASE = Phrase("并非（{0}）", "it is not the case that ({0})")
ONE_IF = Phrase("（若{0}则为1，否则为0）", "(1 if {0}, otherwise 0)")
IF = Phrase("（若{0}则为{1}，否则为{2}）", "({1} if {0}, otherwise {2})")
ALTHOUGH = Phrase("{0}，但{1}", "{1} although {0}")
AND = Phrase("且", " and ")
OR = Phrase("或", " or ")
BETWEEN_ITEMS = Phrase("、", ", ")
LAST_ITEM = Phrase("与", " and ")
BLANK_VALUE = Phrase("空值", "a blank")
QUOTED = Phrase("“{0}”", "‘{0}’")
BRACKETED = Phrase("（{0}）", "({0})")
TODAY = {"today": Phrase("今天", "today"), "now": Phrase("现在", "now")}
OPTION_OF = Phrase("{1}的选项{0}", "option {0} of {1}")
SHOWN_AS = Phrase("{0}的显示文本", "the text shown for {0}")
STATUS_OF = Phrase("{0}的填写状态", "status of {0}")

AT_EVENT = Phrase("{1}的{0}", "{0} at {1}")
EVENTS = {
    "event-name": Phrase("本事件", "this event"),
    "previous-event-name": Phrase("上一事件", "the previous event"),
    "next-event-name": Phrase("下一事件", "the next event"),
    "first-event-name": Phrase("首个事件", "the first event"),
    "last-event-name": Phrase("末个事件", "the last event"),
}
INSTANCE = Phrase("{0}（第{1}次）", "{0} (instance {1})")
INSTANCES = {
    "current-instance": Phrase("{0}（本次）", "{0} (this instance)"),
    "previous-instance": Phrase("{0}（上一次）", "{0} (the previous instance)"),
    "next-instance": Phrase("{0}（下一次）", "{0} (the next instance)"),
    "first-instance": Phrase("{0}（第一次）", "{0} (the first instance)"),
    "last-instance": Phrase("{0}（最后一次）", "{0} (the last instance)"),
}
SMART = {
    "record-name": Phrase("记录编号", "the record id"),
    "event-name": Phrase("事件名", "the event's unique name"),
    "event-label": Phrase("事件标签", "the event's label"),
    "event-number": Phrase("事件序号", "the event's number"),
    "arm-number": Phrase("研究组序号", "the arm's number"),
    "arm-label": Phrase("研究组名称", "the arm's label"),
    "current-instance": Phrase("本次的序号", "the number of this instance"),
    "previous-instance": Phrase("上一次的序号", "the number of the previous instance"),
    "next-instance": Phrase("下一次的序号", "the number of the next instance"),
    "first-instance": Phrase("第一次的序号", "the number of the first instance"),
    "last-instance": Phrase("最后一次的序号", "the number of the last instance"),
    "record-dag-name": Phrase("记录所属的数据访问组", "the record's data access group"),
    "record-dag-id": Phrase("记录所属数据访问组的编号", "the number of the record's data access group"),
    "record-dag-label": Phrase("记录所属数据访问组的名称", "the label of the record's data access group"),
    "instrument-name": Phrase("本表单", "this instrument"),
    "form-name": Phrase("本表单", "this instrument"),
    "project-id": Phrase("项目编号", "the project's number"),
}
STATES = {
    "0": Phrase("未完成", "Incomplete"),
    "1": Phrase("未核查", "Unverified"),
    "2": Phrase("已完成", "Complete"),
    "Yes": Phrase("是", "Yes"),
    "No": Phrase("否", "No"),
    "True": Phrase("真", "True"),
    "False": Phrase("假", "False"),
}

SIGNS = {"+": " + ", "-": " \u2212 ", "*": " × ", "/": " ÷ "}
POWER = Phrase("{0}的{1}次幂", "{0} to the power of {1}")
UNITS = {
    "y": Phrase("年数", "number of years"),
    "M": Phrase("月数", "number of months"),
    "d": Phrase("天数", "number of days"),
    "h": Phrase("小时数", "number of hours"),
    "m": Phrase("分钟数", "number of minutes"),
    "s": Phrase("秒数", "number of seconds"),
}
DAYS_BETWEEN = Phrase("{0}与{1}相隔的{2}", "the {2} between {0} and {1}")
DAYS_FROM_TO = Phrase("从{0}到{1}的{2}", "the {2} from {0} to {1}")

VALUES = {
    "sum": Phrase("{all}之和", "the sum of {all}"),
    "min": Phrase("{all}中的最小值", "the smallest of {all}"),
    "max": Phrase("{all}中的最大值", "the largest of {all}"),
    "mean": Phrase("{all}的均值", "the mean of {all}"),
    "median": Phrase("{all}的中位数", "the median of {all}"),
    "stdev": Phrase("{all}的标准差", "the standard deviation of {all}"),
    "abs": Phrase("{0}的绝对值", "the absolute value of {0}"),
    "sqrt": Phrase("{0}的平方根", "the square root of {0}"),
    "exponential": Phrase("e的{0}次幂", "e to the power of {0}"),
    "log": Phrase("{0}的自然对数", "the natural logarithm of {0}"),
    "log/2": Phrase("以{1}为底{0}的对数", "the logarithm of {0} to base {1}"),
    "mod": Phrase("{0}除以{1}的余数", "the remainder of {0} divided by {1}"),
    "round": Phrase("{0}（四舍五入取整）", "{0} rounded to a whole number"),
    "round/2": Phrase("{0}（四舍五入至{1}位小数）", "{0} rounded to {1} decimals"),
    "roundup": Phrase("{0}（向上取整）", "{0} rounded up to a whole number"),
    "roundup/2": Phrase("{0}（向上舍入至{1}位小数）", "{0} rounded up to {1} decimals"),
    "rounddown": Phrase("{0}（向下取整）", "{0} rounded down to a whole number"),
    "rounddown/2": Phrase("{0}（向下舍入至{1}位小数）", "{0} rounded down to {1} decimals"),
    "age_at_date": Phrase("{1}时的周岁年龄（按{0}计算）", "the age in years at {1} (counted from {0})"),
    "age_at_date/3": Phrase("{1}时的年龄（按{0}计算，可含小数）", "the age at {1} (counted from {0}, with decimals)"),
    "year": Phrase("{0}的年份", "the year of {0}"),
    "month": Phrase("{0}的月份", "the month of {0}"),
    "day": Phrase("{0}的日", "the day of the month of {0}"),
    "dayoftheweek": Phrase("{0}的星期序号（1为星期一）", "the weekday of {0} (1 is Monday)"),
    "find": Phrase("{0}在{1}中的位置", "the position of {0} in {1}"),
    "left": Phrase("{0}的前{1}个字符", "the first {1} characters of {0}"),
    "right": Phrase("{0}的后{1}个字符", "the last {1} characters of {0}"),
    "mid": Phrase("{0}从第{1}个字符起的{2}个字符", "{2} characters of {0} from position {1}"),
    "length": Phrase("{0}的字符数", "the number of characters of {0}"),
    "trim": Phrase("{0}（去除首尾空格）", "{0} without outer spaces"),
    "upper": Phrase("{0}（转为大写）", "{0} in capitals"),
    "lower": Phrase("{0}（转为小写）", "{0} in small letters"),
    "replace_text": Phrase("{0}（其中{1}替换为{2}）", "{0} with {1} replaced by {2}"),
    "concat": Phrase("{all}连成的文本", "the text joined from {all}"),
    "concat_ws": Phrase("{rest}以{0}相连的文本", "the text joined from {rest} with {0} between"),
    "calcdate": Phrase("{0}加上{1}（单位{2}）后的日期", "the date of {0} plus {1} (unit {2})"),
}
"""A name with `/2` or `/3` is the phrase for so many arguments."""


class Statement(NamedTuple):
    """What a true-or-false function says of its first argument, and what its opposite says."""

    holds: Phrase
    fails: Phrase


STATEMENTS = {
    "contains": Statement(Phrase("包含{1}", "contains {1}"), Phrase("不包含{1}", "does not contain {1}")),
    "not_contain": Statement(Phrase("不包含{1}", "does not contain {1}"), Phrase("包含{1}", "contains {1}")),
    "starts_with": Statement(Phrase("以{1}开头", "begins with {1}"), Phrase("不以{1}开头", "does not begin with {1}")),
    "ends_with": Statement(Phrase("以{1}结尾", "ends with {1}"), Phrase("不以{1}结尾", "does not end with {1}")),
    "isnumber": Statement(Phrase("是数字", "is a number"), Phrase("不是数字", "is not a number")),
    "isinteger": Statement(Phrase("是整数", "is a whole number"), Phrase("不是整数", "is not a whole number")),
    "isblankormissingcode": Statement(
        Phrase("为空或为缺失数据代码", "is blank or a missing data code"),
        Phrase("有实际值", "holds a value that is no missing data code"),
    ),
    "isblanknotmissingcode": Statement(
        Phrase("为空且未填缺失数据代码", "is blank, without a missing data code"),
        Phrase("有值或缺失数据代码", "holds a value or a missing data code"),
    ),
    "ismissingcode": Statement(
        Phrase("为缺失数据代码", "is a missing data code"),
        Phrase("不为缺失数据代码", "is not a missing data code"),
    ),
    "hasmissingcode": Statement(
        Phrase("为缺失数据代码{1}之一", "is one of the missing data codes {1}"),
        Phrase("不是缺失数据代码{1}之一", "is none of the missing data codes {1}"),
    ),
}
NEGATIVE_FUNCTIONS = frozenset({"not_contain", "isblankormissingcode", "isblanknotmissingcode", "ismissingcode"})
"""Functions whose truth sounds like something missing."""
