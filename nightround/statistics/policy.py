"""Named policies: which test and which definition are behind a number where the plan names none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from nightround.study.methods import HypothesisTestName as Name
from nightround.study.plan import Plan, PolicyName, QuartileType, Sign, Variable

Design = Literal["two_groups", "several_groups", "visits"]
Kind = Literal["mean", "rank", "nominal", "two_levels"]


@dataclass(frozen=True)
class Policy:
    """One way of doing the statistics of a whole plan.

    `pooled` draws the interval of a mean difference with pooled variance; `rank_sign` is how the Z
    of a rank test is signed; `beside_two_by_two` is listed next to the test of every 2x2 table.
    """

    name: PolicyName
    quartiles: QuartileType
    pooled: bool
    rank_sign: Sign
    tests: Mapping[tuple[Kind, Design], Name]
    beside_two_by_two: tuple[Name, ...] = ()

    def test(self, variable: Variable, design: Design) -> Name:
        """The policy's test of a variable in a design."""
        return self.tests[_kind(variable), design]

    def sign_of(self, test: Name) -> Sign:
        """How the policy signs the statistic of a test."""
        return self.rank_sign if test in (Name.MANN_WHITNEY, Name.WILCOXON) else "natural"


def _kind(variable: Variable) -> Kind:
    if variable.type == "ordinal" or variable.summary == "median_quartiles":
        return "rank"
    if variable.counted:
        return "two_levels" if variable.type == "dichotomous" else "nominal"
    return "mean"


RECOMMENDED = Policy(
    "recommended",
    quartiles=7,
    pooled=False,
    rank_sign="natural",
    tests={
        ("mean", "two_groups"): Name.WELCH,
        ("mean", "several_groups"): Name.WELCH_ANOVA,
        ("mean", "visits"): Name.PAIRED_T,
        ("rank", "two_groups"): Name.MANN_WHITNEY_BY_RULE,
        ("rank", "several_groups"): Name.KRUSKAL_WALLIS,
        ("rank", "visits"): Name.WILCOXON_BY_RULE,
        ("nominal", "two_groups"): Name.PEARSON_BY_RULE,
        ("nominal", "several_groups"): Name.PEARSON_BY_RULE,
        ("nominal", "visits"): Name.MARGINAL_HOMOGENEITY,
        ("two_levels", "two_groups"): Name.PEARSON_BY_RULE,
        ("two_levels", "several_groups"): Name.PEARSON_BY_RULE,
        ("two_levels", "visits"): Name.MCNEMAR_EXACT,
    },
)
"""Welch, R's rank tests, Pearson where Cochran's conditions hold; quartiles as R and Excel."""

SPSS = Policy(
    "spss",
    quartiles=6,
    pooled=True,
    rank_sign="never_positive",
    tests={
        **RECOMMENDED.tests,
        ("mean", "two_groups"): Name.STUDENT,
        ("mean", "several_groups"): Name.ANOVA,
        ("rank", "two_groups"): Name.MANN_WHITNEY,
        ("rank", "visits"): Name.WILCOXON,
        ("nominal", "two_groups"): Name.PEARSON,
        ("nominal", "several_groups"): Name.PEARSON,
        ("two_levels", "two_groups"): Name.PEARSON,
        ("two_levels", "several_groups"): Name.PEARSON,
    },
    beside_two_by_two=(Name.FISHER,),
)
"""What SPSS 27 prints unasked: pooled t, uncorrected Pearson with Fisher next to it, asymptotic rank tests."""

CN_TEXTBOOK = Policy(
    "cn-textbook",
    quartiles=6,
    pooled=True,
    rank_sign="natural",
    tests={
        **SPSS.tests,
        ("rank", "two_groups"): Name.MANN_WHITNEY_CORRECTED,
        ("rank", "visits"): Name.WILCOXON_CORRECTED,
        ("nominal", "two_groups"): Name.PEARSON_CN_TEXTBOOK,
        ("nominal", "several_groups"): Name.PEARSON_CN_TEXTBOOK,
        ("two_levels", "two_groups"): Name.PEARSON_CN_TEXTBOOK,
        ("two_levels", "several_groups"): Name.PEARSON_CN_TEXTBOOK,
        ("two_levels", "visits"): Name.MCNEMAR_CN_TEXTBOOK,
    },
)
"""The rules of Chinese medical statistics textbooks (孙振球, 医学统计学), by n and expected count."""

AS_PUBLISHED = Policy("as-published", quartiles=6, pooled=True, rank_sign="natural", tests=SPSS.tests)
"""The tests a publication used, named in the plan variable by variable; anything else as SPSS."""

POLICIES: Mapping[PolicyName, Policy] = {
    policy.name: policy for policy in (RECOMMENDED, SPSS, CN_TEXTBOOK, AS_PUBLISHED)
}


@dataclass(frozen=True)
class PolicyChoice:
    """The plan's choices under one policy. A test named in the plan holds under the plan's own policy only."""

    plan: Plan
    policy: Policy

    @property
    def own(self) -> bool:
        """Whether this is the plan's own policy."""
        return self.policy.name == self.plan.policy

    def between(self, variable: Variable) -> Name:
        """The test between the groups."""
        named = variable.test if variable.field else variable.between
        return (named if self.own else None) or self.policy.test(variable, self.design)

    def within(self, variable: Variable) -> Name:
        """The test between the two visits."""
        return (variable.test if self.own else None) or self.policy.test(variable, "visits")

    def beside(self, variable: Variable) -> tuple[Name, ...]:
        """The tests listed next to the one that counts."""
        if self.own:
            return variable.beside
        two_by_two = variable.type == "dichotomous" and self.design == "two_groups"
        return self.policy.beside_two_by_two if two_by_two and variable.field else ()

    def sign(self, variable: Variable, test: Name) -> Sign:
        """How the statistic is signed."""
        return variable.sign if self.own and variable.sign != "natural" else self.policy.sign_of(test)

    @property
    def design(self) -> Design:
        """Two groups, or more."""
        return "two_groups" if len(self.plan.groups) == 2 else "several_groups"  # noqa: PLR2004 - two groups
