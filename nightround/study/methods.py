"""The names of tests, definitions, warnings and reasons, in both languages.

A result row carries the English words; `words_of` gives both. Statistics writes them, reports print them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from nightround.model.language import Words


class HypothesisTestName(StrEnum):
    """Every test a plan may name. `_by_rule` names a rule, fixed in advance, that picks among several."""

    STUDENT = "student"
    WELCH = "welch"
    MANN_WHITNEY = "mann_whitney"
    MANN_WHITNEY_CORRECTED = "mann_whitney_corrected"
    MANN_WHITNEY_EXACT = "mann_whitney_exact"
    MANN_WHITNEY_BY_RULE = "mann_whitney_by_rule"
    ANOVA = "anova"
    WELCH_ANOVA = "welch_anova"
    KRUSKAL_WALLIS = "kruskal_wallis"
    PEARSON = "pearson"
    YATES = "yates"
    FISHER = "fisher"
    FISHER_FREEMAN_HALTON = "fisher_freeman_halton"
    PEARSON_BY_RULE = "pearson_by_rule"
    PEARSON_CN_TEXTBOOK = "pearson_cn_textbook"
    TREND = "trend"
    PAIRED_T = "paired_t"
    WILCOXON = "wilcoxon"
    WILCOXON_CORRECTED = "wilcoxon_corrected"
    WILCOXON_PRATT = "wilcoxon_pratt"
    WILCOXON_EXACT = "wilcoxon_exact"
    WILCOXON_BY_RULE = "wilcoxon_by_rule"
    SIGN = "sign"
    MCNEMAR = "mcnemar"
    MCNEMAR_CORRECTED = "mcnemar_corrected"
    MCNEMAR_EXACT = "mcnemar_exact"
    MCNEMAR_CN_TEXTBOOK = "mcnemar_cn_textbook"
    MARGINAL_HOMOGENEITY = "marginal_homogeneity"
    LOG_RANK = "log_rank"
    NONE = "none"


Name = HypothesisTestName
BETWEEN_MEASUREMENTS = frozenset(
    {
        Name.STUDENT,
        Name.WELCH,
        Name.MANN_WHITNEY,
        Name.MANN_WHITNEY_CORRECTED,
        Name.MANN_WHITNEY_EXACT,
        Name.MANN_WHITNEY_BY_RULE,
        Name.ANOVA,
        Name.WELCH_ANOVA,
        Name.KRUSKAL_WALLIS,
    }
)
BETWEEN_COUNTS = frozenset(
    {
        Name.PEARSON,
        Name.YATES,
        Name.FISHER,
        Name.FISHER_FREEMAN_HALTON,
        Name.PEARSON_BY_RULE,
        Name.PEARSON_CN_TEXTBOOK,
        Name.TREND,
    }
)
WITHIN_MEASUREMENTS = frozenset(
    {
        Name.PAIRED_T,
        Name.WILCOXON,
        Name.WILCOXON_CORRECTED,
        Name.WILCOXON_PRATT,
        Name.WILCOXON_EXACT,
        Name.WILCOXON_BY_RULE,
        Name.SIGN,
    }
)
WITHIN_COUNTS = frozenset(
    {
        Name.MCNEMAR,
        Name.MCNEMAR_CORRECTED,
        Name.MCNEMAR_EXACT,
        Name.MCNEMAR_CN_TEXTBOOK,
        Name.MARGINAL_HOMOGENEITY,
    }
)

STATISTIC_SYMBOLS: Mapping[str, str] = {"t": "t", "chi2": "χ²", "z": "Z", "f": "F", "h": "H"}
"""The statistic of a test row and the sign that is printed for it; an exact test has none."""


class Method(NamedTuple):
    """What ran: `statistic` is the name of its result row ('' where an exact test has none)."""

    statistic: str
    words: Words


class Reason(StrEnum):
    """Why a number cannot be estimated."""

    NO_VALUES = "no values"
    ONE_VALUE = "one value has no spread"
    GROUP_UNDER_TWO = "a group has fewer than two values"
    GROUPS_MISSING = "fewer than two groups have values"
    NO_VARIANCE = "all values are equal"
    ONE_LEVEL = "only one level occurs"
    NOT_TWO_LEVELS = "this test needs two groups and two levels"
    NO_PAIRS = "fewer than two pairs"
    NO_CHANGE = "no value changed"
    DISJOINT_LEVELS = "the groups share no level"
    SINGULAR = "the levels determine one another"
    ZERO_CELL = "a cell is zero"
    WITHHELD = "too few patients for a percentage"
    BELOW_DETECTION = "a value is below the limit of detection"
    SEPARATION = "the factor separates the outcomes completely"
    NO_EVENTS = "no event happened"
    NO_CONVERGENCE = "the fit did not converge"
    UNIT_TOO_LARGE = "one unit of the plan is far beyond the factor's spread"
    NOT_REACHED = "not reached"
    NOT_FOLLOWED = "nobody was followed for so long"
    TOO_LARGE = "too many values to enumerate"
    NOT_TWO_GROUPS = "this needs exactly two groups"


class Caution(StrEnum):
    """What to know of a number that was estimated all the same."""

    SMALL_EXPECTED = "an expected count is below 5"
    UNPAIRED = "treats the two visits as independent groups"
    UNKNOWN_CODES = "codes the plan does not know were left out"
    REVERSED = "sign is before minus after"
    CONCLUSIONS_DIFFER = "ANCOVA and change scores disagree"
    BEFORE_START = "last seen before the start, and in no curve"
    LIMITS_DIFFER = "limits of detection differ: values below them rank as equal and below every measured one"
    HALF_LIMIT = "values below the limit of detection are set to half of it"


METHODS: Mapping[str, Method] = {
    "student": Method("t", Words("两独立样本 t 检验（合并方差）", "Student t test (pooled variance)")),
    "welch": Method("t", Words("Welch t 检验", "Welch t test")),
    "mann_whitney": Method(
        "z",
        Words(
            "Mann-Whitney U 检验（正态近似，结校正，无连续性校正）",
            "Mann-Whitney U test (normal approximation, ties corrected, no continuity correction)",
        ),
    ),
    "mann_whitney_corrected": Method(
        "z",
        Words(
            "Mann-Whitney U 检验（正态近似，结校正，连续性校正）",
            "Mann-Whitney U test (normal approximation, ties corrected, continuity correction)",
        ),
    ),
    "mann_whitney_exact": Method("", Words("Mann-Whitney U 确切检验", "Mann-Whitney U test (exact)")),
    "anova": Method("f", Words("单因素方差分析", "one-way ANOVA")),
    "welch_anova": Method("f", Words("Welch 方差分析", "Welch ANOVA")),
    "kruskal_wallis": Method("h", Words("Kruskal-Wallis H 检验", "Kruskal-Wallis test")),
    "pearson": Method("chi2", Words("Pearson χ² 检验", "Pearson chi-square test")),
    "yates": Method("chi2", Words("连续性校正 χ² 检验（Yates）", "chi-square test with Yates correction")),
    "fisher": Method("", Words("Fisher 确切概率法", "Fisher exact test")),
    "fisher_freeman_halton": Method("", Words("Fisher-Freeman-Halton 确切检验", "Fisher-Freeman-Halton exact test")),
    "fisher_freeman_halton_monte_carlo": Method(
        "",
        Words(
            "Fisher-Freeman-Halton 检验（Monte Carlo 法，固定随机种子）",
            "Fisher-Freeman-Halton test (Monte Carlo, fixed seed)",
        ),
    ),
    "trend": Method("chi2", Words("Cochran-Armitage 趋势检验", "Cochran-Armitage trend test")),
    "paired_t": Method("t", Words("配对 t 检验", "paired t test")),
    "wilcoxon": Method(
        "z",
        Words(
            "Wilcoxon 符号秩检验（正态近似，剔除零差值，结校正，无连续性校正）",
            "Wilcoxon signed-rank test (normal approximation, zeros dropped, ties corrected, no continuity correction)",
        ),
    ),
    "wilcoxon_corrected": Method(
        "z",
        Words(
            "Wilcoxon 符号秩检验（正态近似，剔除零差值，结校正，连续性校正）",
            "Wilcoxon signed-rank test (normal approximation, zeros dropped, ties corrected, continuity correction)",
        ),
    ),
    "wilcoxon_pratt": Method(
        "z",
        Words(
            "Wilcoxon 符号秩检验（Pratt 法保留零差值的秩，正态近似）",
            "Wilcoxon signed-rank test (zeros ranked by Pratt, normal approximation)",
        ),
    ),
    "wilcoxon_exact": Method("", Words("Wilcoxon 符号秩确切检验", "Wilcoxon signed-rank test (exact)")),
    "sign": Method("", Words("符号检验（确切）", "sign test (exact)")),
    "mcnemar": Method("chi2", Words("McNemar χ² 检验", "McNemar test")),
    "mcnemar_corrected": Method("chi2", Words("McNemar χ² 检验（连续性校正）", "McNemar test (continuity correction)")),
    "mcnemar_exact": Method("", Words("McNemar 确切检验（二项分布）", "McNemar test (exact binomial)")),
    "marginal_homogeneity": Method(
        "chi2", Words("边际齐性检验（Stuart-Maxwell）", "marginal homogeneity test (Stuart-Maxwell)")
    ),
    "log_rank": Method("chi2", Words("log-rank 检验", "log-rank test")),
    "quartiles_2": Method("", Words("四分位数按 Hyndman-Fan 第 2 型", "quartiles of Hyndman-Fan type 2")),
    "quartiles_6": Method("", Words("四分位数按 Hyndman-Fan 第 6 型", "quartiles of Hyndman-Fan type 6")),
    "quartiles_7": Method("", Words("四分位数按 Hyndman-Fan 第 7 型", "quartiles of Hyndman-Fan type 7")),
    "wilson": Method("", Words("Wilson 计分法 95% 置信区间", "95% CI by Wilson score")),
    "mean_difference": Method("", Words("均数差，合并方差 t 区间", "difference of means, pooled t interval")),
    "mean_difference_welch": Method("", Words("均数差，Welch 区间", "difference of means, Welch interval")),
    "smd": Method("", Words("标准化均数差", "standardised difference")),
    "risk_difference": Method("", Words("率差，Newcombe 区间", "difference of proportions, Newcombe interval")),
    "odds_ratio": Method("", Words("比值比，Woolf 区间", "odds ratio, Woolf interval")),
    "hodges_lehmann": Method("", Words("Hodges-Lehmann 中位数差", "Hodges-Lehmann median difference")),
    "mean_change": Method("", Words("平均变化值，t 区间", "mean change, t interval")),
    "hodges_lehmann_change": Method("", Words("Hodges-Lehmann 中位变化值", "Hodges-Lehmann median change")),
    "risk_change": Method("", Words("配对率的变化，Newcombe 区间", "change of a paired proportion, Newcombe interval")),
    "ancova": Method("", Words("协方差分析（校正基线值）", "ANCOVA adjusted for the value before")),
    "kaplan_meier": Method("", Words("Kaplan-Meier 法", "Kaplan-Meier estimate")),
    "logistic": Method("", Words("logistic 回归，Wald 区间", "logistic regression, Wald interval")),
    "firth": Method(
        "",
        Words("Firth 惩罚 logistic 回归，剖面似然区间", "Firth penalised logistic regression, profile interval"),
    ),
    "holm": Method("", Words("Holm 法校正", "Holm adjustment")),
    "fdr": Method("", Words("Benjamini-Hochberg 法校正", "Benjamini-Hochberg adjustment")),
    "clopper_pearson": Method("", Words("Clopper-Pearson 确切 95% 置信区间", "exact 95% CI by Clopper-Pearson")),
}

_REASON_WORDS: Mapping[str, str] = {
    Reason.NO_VALUES: "无可用数据",
    Reason.ONE_VALUE: "仅 1 例，无法估计离散程度",
    Reason.GROUP_UNDER_TWO: "某组可用数据不足 2 例",
    Reason.GROUPS_MISSING: "有数据的组不足两组",
    Reason.NO_VARIANCE: "所有取值相同",
    Reason.ONE_LEVEL: "仅出现一个类别",
    Reason.NOT_TWO_LEVELS: "该检验只适用于四格表",
    Reason.NO_PAIRS: "配对不足 2 对",
    Reason.NO_CHANGE: "前后取值均无变化",
    Reason.DISJOINT_LEVELS: "两组无共同类别",
    Reason.SINGULAR: "各类别线性相关",
    Reason.ZERO_CELL: "存在频数为 0 的格子",
    Reason.WITHHELD: "例数过少，不计算百分比",
    Reason.BELOW_DETECTION: "存在低于检测下限的值",
    Reason.SEPARATION: "该因素将结局完全分离",
    Reason.NO_EVENTS: "未发生事件",
    Reason.NO_CONVERGENCE: "模型拟合未收敛",
    Reason.UNIT_TOO_LARGE: "计划所定单位远超该因素的取值范围",
    Reason.NOT_REACHED: "未达到",
    Reason.NOT_FOLLOWED: "无人随访至该时间",
    Reason.TOO_LARGE: "数据量过大，无法逐一列举",
    Reason.NOT_TWO_GROUPS: "仅适用于两组比较",
}
_CAUTION_WORDS: Mapping[str, str] = {
    Caution.SMALL_EXPECTED: "存在理论频数小于 5 的格子",
    Caution.UNPAIRED: "将前后两次测量视为独立样本",
    Caution.UNKNOWN_CODES: "分析计划未列出的编码未纳入",
    Caution.REVERSED: "符号为前一次减后一次",
    Caution.CONCLUSIONS_DIFFER: "协方差分析与差值比较的结论不一致",
    Caution.BEFORE_START: "末次随访早于起点，未纳入曲线",
    Caution.LIMITS_DIFFER: "检测下限不一致：低于下限的值视为彼此相等，且低于所有实测值",
    Caution.HALF_LIMIT: "低于检测下限的值以下限的一半代替",
}
_WORDS: Mapping[str, Words] = {
    **{method.words.en: method.words for method in METHODS.values()},
    **{str(en): Words(zh, str(en)) for en, zh in {**_REASON_WORDS, **_CAUTION_WORDS}.items()},
}


def words_of(english: str) -> Words:
    """Both languages of a result row's `method`, `warning` or `error`.

    Several joined by '; ' are translated one by one; a KeyError names words that are not listed here.
    """
    parts = [_WORDS[part] for part in english.split("; ")]
    return Words("；".join(part.zh for part in parts), english)
