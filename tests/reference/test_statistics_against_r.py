"""Every statistic against R's own, from the stored output of the scripts in `r/`; where R is installed they run again.

Relative error is at most 1e-10 for closed forms and 1e-6 for iterative ones. What base R has no function for is also
compared with packages that others wrote (`independent.R`; tableone in Python) and against published examples.
"""

import csv
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from nightround.statistics import categorical, change, compare, effect, paired, regression, survival
from nightround.statistics.describe import clopper_pearson, mean, quartiles, sd, wilson
from nightround.statistics.estimates import Estimate, HypothesisTest
from nightround.statistics.multiplicity import fdr, holm
from nightround.statistics.numbers import Numbers
from nightround.study.methods import HypothesisTestName as Name

HERE = Path(__file__).parent
SCRIPTS = ("groups", "counts", "paired", "survival", "visits", "regression", "independent")
CLOSED, ITERATIVE = 1e-10, 1e-6
Results = dict[tuple[str, str], float]


def results_of(folder: Path, script: str) -> Results:
    """The results a script wrote: (dataset, statistic) to value."""
    with (folder / f"{script}_results.csv").open(encoding="utf-8") as lines:
        return {(row["dataset"], row["statistic"]): float(row["value"]) for row in csv.DictReader(lines)}


def data_of(script: str) -> pd.DataFrame:
    """The data a script wrote."""
    return pd.read_csv(HERE / "stored" / f"{script}_data.csv")


R = {script: results_of(HERE / "stored", script) for script in (*SCRIPTS, "tableone")}


def samples(dataset: str) -> list[Numbers]:
    """The groups of one dataset of groups.R."""
    data = data_of("groups")
    return [part["value"].to_numpy(float) for _, part in data[data["dataset"] == dataset].groupby("group")]


def table(dataset: str) -> categorical.Counts:
    """One table of counts.R, levels down, groups across."""
    data = data_of("counts")
    return (
        data[data["dataset"] == dataset]
        .pivot_table(index="level", columns="group", values="count", sort=True)
        .to_numpy()
        .astype(np.int64)
    )


def both_visits(dataset: str) -> tuple[Numbers, Numbers, "np.ndarray[tuple[int], np.dtype[np.bool_]]"]:
    """Before, after, and who is in group a, of one dataset of paired.R."""
    data = data_of("paired")
    part = data[data["dataset"] == dataset]
    return part["before"].to_numpy(float), part["after"].to_numpy(float), (part["group"] == "a").to_numpy()


def agree(value: float, script: str, dataset: str, statistic: str, tolerance: float = CLOSED) -> None:
    """Hold a value against R's."""
    assert value == pytest.approx(R[script][dataset, statistic], rel=tolerance, abs=1e-13), (dataset, statistic)


def agree_interval(found: Estimate, script: str, dataset: str, name: str, tolerance: float = CLOSED) -> None:
    """Hold an estimate and its interval against R's."""
    for statistic, value in ((name, found.value), (f"{name}_low", found.low), (f"{name}_high", found.high)):
        agree(value, script, dataset, statistic, tolerance)


def datasets(script: str, statistic: str) -> list[str]:
    """The datasets for which R has a statistic."""
    return [dataset for dataset, name in R[script] if name == statistic]


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed; its stored output is used")
@pytest.mark.parametrize("script", SCRIPTS)
def test_r_gives_the_stored_output_again(script: str, tmp_path: Path) -> None:
    """The stored output is what R computes, so nobody can have edited it."""
    call = [str(shutil.which("Rscript")), "--vanilla", f"{script}.R", str(tmp_path)]
    finished = subprocess.run(call, cwd=HERE / "r", capture_output=True, text=True, check=False, timeout=120)
    if "there is no package called" in finished.stderr:
        package = finished.stderr.partition("no package called")[2].split()[0].strip("‘’'\"")
        pytest.skip(f"R's package {package} is not installed; its stored output is used")
    assert finished.returncode == 0, finished.stderr
    assert_stored(script, results_of(tmp_path, script))


@pytest.mark.skipif(find_spec("tableone") is None, reason="tableone is not installed; its stored output is used")
def test_tableone_gives_the_stored_output_again(tmp_path: Path) -> None:
    """The same for the one script in Python."""
    call = [sys.executable, str(HERE / "python" / "standardised_differences.py"), str(tmp_path)]
    subprocess.run(call, check=True, timeout=120)
    assert_stored("tableone", results_of(tmp_path, "tableone"))


def assert_stored(script: str, again: Results) -> None:
    """Another processor's last digits may differ, and an iteration may stop a step earlier there."""
    assert again.keys() == R[script].keys()
    assert all(value == pytest.approx(R[script][key], rel=1e-8, abs=1e-12) for key, value in again.items())


@pytest.mark.parametrize("dataset", datasets("groups", "anova_f"))
def test_description_agrees_with_r(dataset: str) -> None:
    """Mean, SD and the quartiles of types 2, 6 and 7 are R's."""
    for name, sample in zip("abcd", samples(dataset), strict=False):
        agree(mean(sample), "groups", dataset, f"mean_{name}")
        agree(sd(sample), "groups", dataset, f"sd_{name}")
        for kind in (2, 6, 7):
            for part, value in enumerate(quartiles(sample, kind), start=1):
                agree(value, "groups", dataset, f"q{part}_type{kind}_{name}")


@pytest.mark.parametrize("dataset", datasets("groups", "student_t"))
def test_two_groups_agree_with_r(dataset: str) -> None:
    """Student, Welch and both normal rank tests are those of t.test and wilcox.test."""
    groups = samples(dataset)
    for name, found in (("student", compare.student(groups)), ("welch", compare.welch(groups))):
        for part, value in (("t", found.value), ("df", found.df), ("p", found.p)):
            assert value is not None
            agree(value, "groups", dataset, f"{name}_{part}")
    agree(compare.mann_whitney(groups).p, "groups", dataset, "mann_whitney_p")
    agree(compare.mann_whitney_corrected(groups).p, "groups", dataset, "mann_whitney_corrected_p")


@pytest.mark.parametrize("dataset", datasets("groups", "mann_whitney_exact_p"))
def test_exact_rank_sum_agrees_with_r(dataset: str) -> None:
    """The exact P is R's without ties, and that of listing every arrangement with ties."""
    listed = [np.array([1.0, 2, 2, 5]), np.array([2.0, 3, 5, 5, 6, 7])]
    groups = listed if dataset == "listed" else samples(dataset)
    agree(compare.mann_whitney_exact(groups).p, "groups", dataset, "mann_whitney_exact_p")


@pytest.mark.parametrize("dataset", datasets("groups", "anova_f"))
def test_several_groups_agree_with_r(dataset: str) -> None:
    """ANOVA, Welch's ANOVA and Kruskal-Wallis are those of oneway.test and kruskal.test."""
    groups = samples(dataset)
    plain, welch, kruskal = compare.anova(groups), compare.welch_anova(groups), compare.kruskal_wallis(groups)
    found = {
        "anova_f": plain.value,
        "anova_p": plain.p,
        "welch_anova_f": welch.value,
        "welch_anova_df": welch.df_within,
        "welch_anova_p": welch.p,
        "kruskal_h": kruskal.value,
        "kruskal_p": kruskal.p,
    }
    for statistic, value in found.items():
        assert value is not None
        agree(value, "groups", dataset, statistic)


@pytest.mark.parametrize("dataset", datasets("groups", "smd"))
def test_effects_between_groups_agree_with_r(dataset: str) -> None:
    """Mean difference, standardised difference and Hodges-Lehmann have R's intervals."""
    first, second = samples(dataset)
    for name, pooled in (("student", True), ("welch", False)):
        found = effect.mean_difference(first, second, pooled=pooled)
        agree_interval(found, "groups", dataset, f"{name}_difference")
    agree_interval(effect.smd(first, second), "groups", dataset, "smd")
    agree_interval(effect.hodges_lehmann(first, second), "groups", dataset, "hodges_lehmann")


@pytest.mark.parametrize("dataset", datasets("groups", "shapiro_w_a"))
def test_normality_agrees_with_r(dataset: str) -> None:
    """Shapiro and Wilk's W and P, which the drift report uses, are R's."""
    for name, sample in zip("abcd", samples(dataset), strict=False):
        found = stats.shapiro(sample)
        agree(float(found.statistic), "groups", dataset, f"shapiro_w_{name}", ITERATIVE)
        agree(float(found.pvalue), "groups", dataset, f"shapiro_p_{name}", ITERATIVE)


def test_count_tests_agree_with_r() -> None:
    """Pearson, Yates, the trend and the exact test of any table are R's, and nothing had to be sampled."""
    for dataset in datasets("counts", "pearson_chi2"):
        counts = table(dataset)
        found: dict[str, HypothesisTest] = {"pearson": categorical.pearson(counts)}
        if counts.shape == (2, 2):
            found["yates"] = categorical.yates(counts)
            found["fisher"] = categorical.fisher(counts)
        if counts.shape[1] == 2:
            found["trend"] = categorical.trend(counts)
        for name, tested in found.items():
            agree(tested.p, "counts", dataset, f"{name}_p")
            if tested.value is not None:
                agree(tested.value, "counts", dataset, f"{name}_chi2")
        exact = categorical.freeman_halton(counts)
        assert not exact.monte_carlo
        agree(exact.p, "counts", dataset, "fisher_p")


@pytest.mark.parametrize("dataset", datasets("counts", "smd_of_levels"))
def test_standardised_difference_of_levels_agrees_with_r(dataset: str) -> None:
    """Yang and Dalton's difference is R's by the formula, and tableone's; of two levels the sign is the first's."""
    counts = table(dataset)
    found = effect.smd_of_levels(counts if found_positive(counts) else counts[:, ::-1])
    agree_interval(found, "counts", dataset, "smd_of_levels")
    agree_interval(found, "tableone", dataset, "smd_of_levels")


def found_positive(counts: categorical.Counts) -> bool:
    """Whether the standardised difference of the table is not negative."""
    return effect.smd_of_levels(counts).value >= 0


def test_effects_of_counts_agree_with_r() -> None:
    """Risk difference and odds ratio have the intervals of Newcombe and Woolf."""
    for dataset in datasets("counts", "risk_difference"):
        agree_interval(effect.risk_difference(table(dataset)), "counts", dataset, "risk_difference")
    for dataset in datasets("counts", "odds_ratio"):
        agree_interval(effect.odds_ratio(table(dataset)), "counts", dataset, "odds_ratio")


@pytest.mark.parametrize("dataset", datasets("counts", "wilson"))
def test_intervals_of_a_proportion_agree_with_r(dataset: str) -> None:
    """Wilson and Clopper-Pearson are those of prop.test and binom.test."""
    count, total = (int(part) for part in dataset.split("_of_"))
    agree_interval(wilson(count, total), "counts", dataset, "wilson")
    agree_interval(clopper_pearson(count, total), "counts", dataset, "clopper_pearson")


def test_adjusted_p_values_agree_with_r() -> None:
    """Holm and Benjamini-Hochberg are those of p.adjust."""
    p = [R["counts"]["family", f"p_{i}"] for i in range(1, 8)]
    for name, adjusted in (("holm", holm(p)), ("fdr", fdr(p))):
        for i, value in enumerate(adjusted, start=1):
            agree(value, "counts", "family", f"{name}_{i}")


@pytest.mark.parametrize("dataset", datasets("paired", "paired_t_t"))
def test_paired_tests_agree_with_r(dataset: str) -> None:
    """Paired t, the signed-rank tests and the sign test are those of t.test, wilcox.test and binom.test."""
    before, after, _ = both_visits(dataset)
    t, ranks = paired.within(Name.PAIRED_T, before, after), paired.rankable(before, after)
    found = {"paired_t_t": t.value, "paired_t_df": t.df, "paired_t_p": t.p}
    found["wilcoxon_p"] = paired.wilcoxon(ranks).p
    found["wilcoxon_corrected_p"] = paired.wilcoxon_corrected(ranks).p
    found["wilcoxon_pratt_z"] = paired.wilcoxon_pratt(ranks).value
    found["sign_p"] = paired.sign(ranks).p
    for statistic, value in found.items():
        assert value is not None
        agree(value, "paired", dataset, statistic)


@pytest.mark.parametrize("dataset", datasets("paired", "wilcoxon_exact_p"))
def test_exact_signed_rank_agrees_with_r(dataset: str) -> None:
    """The exact P is R's without ties, and that of listing every sign with ties."""
    before, after, _ = both_visits(dataset)
    ranks = np.array([1.0, -1, 2, 2, 3, -4]) if dataset == "listed" else paired.rankable(before, after)
    agree(paired.wilcoxon_exact(ranks).p, "paired", dataset, "wilcoxon_exact_p")


@pytest.mark.parametrize("dataset", datasets("paired", "mean_change"))
def test_changes_agree_with_r(dataset: str) -> None:
    """Mean change, its difference between groups and ANCOVA have the intervals of t.test and lm.

    A change that is the same in all patients is left out: t.test lets most of them pass, ours refuses them.
    """
    before, after, first = both_visits(dataset)
    difference = after - before
    agree_interval(change.mean_change(before, after), "paired", dataset, "mean_change")
    between = effect.mean_difference(difference[first], difference[~first], pooled=False)
    agree_interval(between, "paired", dataset, "difference_in_change")
    adjusted = change.ancova(before, after, first)
    agree_interval(adjusted, "paired", dataset, "ancova")
    assert adjusted.p is not None
    agree(adjusted.p, "paired", dataset, "ancova_p")


@pytest.mark.parametrize("dataset", datasets("paired", "hodges_lehmann_change"))
def test_median_change_agrees_with_r(dataset: str) -> None:
    """The Walsh median and its exact interval are those of wilcox.test."""
    before, after, _ = both_visits(dataset)
    found = change.hodges_lehmann_change(paired.rankable(before, after))
    agree_interval(found, "paired", dataset, "hodges_lehmann_change")


def test_paired_levels_agree_with_r() -> None:
    """McNemar in three forms, Stuart and Maxwell, and Newcombe's paired interval."""
    fourfold = np.array([[20, 12], [5, 6]])
    for name in (Name.MCNEMAR, Name.MCNEMAR_CORRECTED, Name.MCNEMAR_EXACT):
        found = paired.turnover(name, fourfold)
        agree(found.p, "paired", "fourfold", f"{name.value}_p")
        if found.value is not None:
            agree(found.value, "paired", "fourfold", f"{name.value}_chi2")
    grades = np.array([[4, 14, 1, 0], [0, 16, 5, 0], [0, 1, 2, 1], [0, 0, 0, 1]]).T
    agree(paired.marginal_homogeneity(grades).p, "paired", "grades", "marginal_homogeneity_p")
    for dataset in datasets("paired", "risk_change"):
        cells = np.array([int(cell) for cell in dataset.split("_")]).reshape(2, 2)
        agree_interval(change.risk_change(cells), "paired", dataset, "risk_change")


def followed() -> Iterator[tuple[str, Numbers, survival.Events]]:
    """The groups of survival.R."""
    for group, part in data_of("survival").groupby("group"):
        yield str(group), part["time"].to_numpy(float), part["event"].to_numpy() == 1


def test_survival_agrees_with_r() -> None:
    """Kaplan-Meier with its three intervals, numbers at risk, the median and log-rank are the survival package's."""
    groups = list(followed())
    time, event = np.concatenate([g[1] for g in groups]), np.concatenate([g[2] for g in groups])
    intervals: tuple[survival.Interval, ...] = ("log-log", "log", "plain")
    for interval in intervals:
        points = survival.kaplan_meier(time, event, interval)
        for moment in (3, 6, 12):
            at, dataset = survival.at_time(points, moment), f"{interval}_at_{moment}"
            assert at is not None
            agree_interval(Estimate(at.survival, at.low, at.high, len(time)), "survival", dataset, "survival")
            agree(survival.at_risk(time, moment), "survival", dataset, "at_risk")
    agree(survival.median_time(survival.kaplan_meier(time, event)), "survival", "all", "median")
    for dataset, used in (("two", groups[:2]), ("three", groups)):
        tested = survival.log_rank([(time, event) for _, time, event in used])
        assert tested.value is not None
        agree(tested.value, "survival", dataset, "log_rank_chi2")
        agree(tested.p, "survival", dataset, "log_rank_p")


@pytest.mark.parametrize("dataset", datasets("regression", "firth"))
def test_regression_agrees_with_r(dataset: str) -> None:
    """The odds ratio is glm's, and Firth's is that of maximising the penalised likelihood directly."""
    data = data_of("regression")
    part = data[data["dataset"] == dataset]
    outcome, factor = part["outcome"].to_numpy(float), part["factor"].to_numpy(float)
    found = regression.firth(outcome, factor)
    agree_interval(found, "regression", dataset, "firth", ITERATIVE)
    assert found.p is not None
    agree(found.p, "regression", dataset, "firth_p", ITERATIVE)
    if (dataset, "logistic") in R["regression"]:
        plain = regression.logistic(outcome, factor)
        agree_interval(plain, "regression", dataset, "logistic", ITERATIVE)


@pytest.mark.parametrize("dataset", datasets("independent", "risk_difference"))
def test_the_difference_of_proportions_agrees_with_epi(dataset: str) -> None:
    """Newcombe's interval is that of ci.pd of the package Epi."""
    agree_interval(effect.risk_difference(table(dataset)), "independent", dataset, "risk_difference")


NEWCOMBE = {
    (56, 70, 48, 80): (0.0524, 0.3339),
    (9, 10, 3, 10): (0.1705, 0.8090),
    (6, 7, 2, 7): (0.0582, 0.8062),
    (5, 56, 0, 29): (-0.0381, 0.1926),
    (0, 10, 0, 20): (-0.1611, 0.2775),
    (0, 10, 0, 10): (-0.2775, 0.2775),
    (10, 10, 0, 20): (0.6791, 1.0),
    (10, 10, 0, 10): (0.6075, 1.0),
}
"""Table II, method 10, of Newcombe, Stat Med 1998;17:873: two counts with their totals, and the interval."""


@pytest.mark.parametrize("cells", NEWCOMBE)
def test_the_difference_of_proportions_is_that_of_the_paper(cells: tuple[int, int, int, int]) -> None:
    """The eight examples of the paper, to its four decimals."""
    first, m, second, n = cells
    found = effect.risk_difference(np.array([[first, second], [m - first, n - second]]))
    assert (found.low, found.high) == pytest.approx(NEWCOMBE[cells], abs=5.1e-5)


def test_the_paired_difference_is_the_published_one() -> None:
    """Complete response before and after consolidation therapy: -0.0621 (-0.1186 to -0.0046), before minus after.

    Fagerland, Lydersen, Laake, Statistical Analysis of Contingency Tables, 2017, chapter 8 (R's contingencytables).
    """
    found = change.risk_change(np.array([[59, 6], [16, 80]]))
    assert (-found.value, -found.high, -found.low) == pytest.approx((-0.0621, -0.1186, -0.0046), abs=5.1e-5)


@pytest.mark.parametrize("dataset", datasets("independent", "mann_whitney_exact_p"))
def test_rank_sum_tests_agree_with_coin_and_exact_rank_tests(dataset: str) -> None:
    """Z and the exact P, also with ties, are those of two packages with an algorithm of their own."""
    groups = samples(dataset)
    exact, z = compare.mann_whitney_exact(groups).p, compare.mann_whitney(groups).value
    assert z is not None
    agree(exact, "independent", dataset, "mann_whitney_exact_p")
    agree(exact, "independent", dataset, "mann_whitney_exact_p_coin")
    agree(z, "independent", dataset, "mann_whitney_z")


@pytest.mark.parametrize("dataset", datasets("independent", "wilcoxon_z_pratt"))
def test_signed_rank_tests_agree_with_coin_and_exact_rank_tests(dataset: str) -> None:
    """Z with zeros dropped and with zeros ranked by Pratt, and the exact P with ties."""
    before, after, _ = both_visits(dataset)
    ranks = paired.rankable(before, after)
    for name, tested in (("pratt", paired.wilcoxon_pratt(ranks)), ("wilcoxon", paired.wilcoxon(ranks))):
        assert tested.value is not None
        agree(tested.value, "independent", dataset, f"wilcoxon_z_{name}")
    if (dataset, "wilcoxon_exact_p") in R["independent"]:
        agree(paired.wilcoxon_exact(ranks).p, "independent", dataset, "wilcoxon_exact_p")


VISION = np.array([[1520, 266, 124, 66], [234, 1512, 432, 78], [117, 362, 1772, 205], [36, 82, 179, 492]])
"""Unaided distance vision of 7,477 women, right eye down and left eye across (Stuart, Biometrika 1955;42:412)."""


def test_marginal_homogeneity_agrees_with_coin() -> None:
    """Also on the example of Stuart's own paper, where chi-square is 11.96 with 3 degrees of freedom."""
    grades = np.array([[4, 14, 1, 0], [0, 16, 5, 0], [0, 1, 2, 1], [0, 0, 0, 1]]).T
    for dataset, counts in (("grades", grades), ("vision", VISION)):
        found = paired.marginal_homogeneity(counts)
        assert found.value is not None
        agree(found.value, "independent", dataset, "marginal_homogeneity_chi2")
        agree(found.p, "independent", dataset, "marginal_homogeneity_p")
    assert (round(paired.marginal_homogeneity(VISION).value or 0, 2), paired.marginal_homogeneity(VISION).df) == (
        11.96,
        3,
    )


@pytest.mark.parametrize("dataset", datasets("independent", "firth"))
def test_firth_s_estimate_agrees_with_brglm(dataset: str) -> None:
    """The odds ratio is that of adjusted scores, also where the factor separates the outcomes."""
    data = data_of("regression")
    part = data[data["dataset"] == dataset]
    found = regression.firth(part["outcome"].to_numpy(float), part["factor"].to_numpy(float))
    agree(found.value, "independent", dataset, "firth", ITERATIVE)


@pytest.mark.parametrize("cells", [(14, 23, 5, 20), (0, 12, 9, 30), (7, 0, 0, 11), (1, 1, 1, 40)])
def test_firth_s_estimate_of_a_fourfold_table_adds_a_half_to_each_cell(cells: tuple[int, int, int, int]) -> None:
    """Of a saturated model Jeffreys's prior is half a patient in every cell (Firth, Biometrika 1993;80:27)."""
    outcome = np.repeat([1.0, 0.0, 1.0, 0.0], cells)
    factor = np.repeat([1.0, 1.0, 0.0, 0.0], cells)
    a, b, c, d = (cell + 0.5 for cell in cells)
    assert regression.firth(outcome, factor).value == pytest.approx(a * d / (b * c), rel=ITERATIVE)
