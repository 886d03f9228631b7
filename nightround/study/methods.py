"""The names of tests, definitions, warnings and reasons; their texts are in `texts/methods.toml`.

A result row carries the English words; `words_of` gives both. Statistics writes them, reports print them.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, auto
from typing import Any, NamedTuple

from nightround.model.language import Words
from nightround.texts.catalogue import texts_under, words


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


def _english(kind: str, name: str) -> str:
    return words(f"statistics.{kind}.{name.lower()}").en


class Reason(StrEnum):
    """Why a number cannot be estimated. The value is the English text, as result rows carry it."""

    @staticmethod
    def _generate_next_value_(name: str, *_: Any) -> str:
        return _english("reason", name)

    NO_VALUES = auto()
    ONE_VALUE = auto()
    GROUP_UNDER_TWO = auto()
    GROUPS_MISSING = auto()
    NO_VARIANCE = auto()
    ONE_LEVEL = auto()
    NOT_TWO_LEVELS = auto()
    NO_PAIRS = auto()
    NO_CHANGE = auto()
    DISJOINT_LEVELS = auto()
    SINGULAR = auto()
    ZERO_CELL = auto()
    WITHHELD = auto()
    BELOW_DETECTION = auto()
    SEPARATION = auto()
    NO_EVENTS = auto()
    NO_CONVERGENCE = auto()
    UNIT_TOO_LARGE = auto()
    NOT_REACHED = auto()
    NOT_FOLLOWED = auto()
    TOO_LARGE = auto()
    NOT_TWO_GROUPS = auto()


class Caution(StrEnum):
    """What to know of a number that was estimated all the same. The value is the English text."""

    @staticmethod
    def _generate_next_value_(name: str, *_: Any) -> str:
        return _english("caution", name)

    SMALL_EXPECTED = auto()
    UNPAIRED = auto()
    UNKNOWN_CODES = auto()
    REVERSED = auto()
    CONCLUSIONS_DIFFER = auto()
    BEFORE_START = auto()
    LIMITS_DIFFER = auto()
    HALF_LIMIT = auto()
    GROUP_LEFT_OUT = auto()
    FALLBACK = auto()


_STATISTICS: Mapping[str, tuple[str, ...]] = {
    "t": ("student", "welch", "paired_t"),
    "z": ("mann_whitney", "mann_whitney_corrected", "wilcoxon", "wilcoxon_corrected", "wilcoxon_pratt"),
    "f": ("anova", "welch_anova"),
    "h": ("kruskal_wallis",),
    "chi2": ("pearson", "yates", "trend", "mcnemar", "mcnemar_corrected", "marginal_homogeneity", "log_rank"),
}
"""The statistic of a method, for those that have one."""
_STATISTIC_OF = {method: statistic for statistic, methods in _STATISTICS.items() for method in methods}
METHODS: Mapping[str, Method] = {
    code: Method(_STATISTIC_OF.get(code, ""), both) for code, both in texts_under("statistics.method").items()
}
_WORDS: Mapping[str, Words] = {
    both.en: both for kind in ("method", "reason", "caution") for both in texts_under(f"statistics.{kind}").values()
}


def words_of(english: str) -> Words:
    """Both languages of a result row's `method`, `warning` or `error`.

    Several joined by '; ' are translated one by one; a KeyError names words that are not listed here.
    """
    parts = [_WORDS[part] for part in english.split("; ")]
    return Words("；".join(part.zh for part in parts), english)
