# The same patients before and after.
source("common.R")
set.seed(20250202)
make <- function(n, from, change, spread, digits) {
  before <- round(rnorm(n, from, 3), digits)
  data.frame(before = before, after = round(before + rnorm(n, change, spread), digits), group = rep(c("a", "b"), length.out = n))
}
data <- list(
  clean = make(31, 17, 0.4, 1.1, 6),
  tied = make(43, 49, -0.8, 0.9, 0),
  small = make(6, 10, 1, 2, 6),
  large = make(140, 120, 2, 8, 1)
)
write_data("paired", do.call(rbind, lapply(names(data), function(set) {
  data.frame(dataset = set, group = data[[set]]$group, before = sprintf("%.17g", data[[set]]$before),
             after = sprintf("%.17g", data[[set]]$after))
})))

pratt <- function(d) {
  ranks <- rank(abs(d))
  n <- length(d)
  zeros <- sum(d == 0)
  v <- sum(ranks[d > 0])
  ties <- table(ranks[d != 0])
  expected <- n * (n + 1) / 4 - zeros * (zeros + 1) / 4
  variance <- n * (n + 1) * (2 * n + 1) / 24 - zeros * (zeros + 1) * (2 * zeros + 1) / 24 - sum(ties^3 - ties) / 48
  (v - expected) / sqrt(variance)
}

for (set in names(data)) {
  frame <- data[[set]]
  d <- round(frame$after - frame$before, 9)
  t <- t.test(frame$after, frame$before, paired = TRUE)
  emit(set, "paired_t_t", t$statistic)
  emit(set, "paired_t_df", t$parameter)
  emit(set, "paired_t_p", t$p.value)
  emit_interval(set, "mean_change", mean(frame$after - frame$before), t$conf.int)
  emit(set, "wilcoxon_p", wilcox.test(d, exact = FALSE, correct = FALSE)$p.value)
  emit(set, "wilcoxon_corrected_p", wilcox.test(d, exact = FALSE, correct = TRUE)$p.value)
  emit(set, "wilcoxon_pratt_z", pratt(d))
  emit(set, "sign_p", binom.test(sum(d > 0), sum(d != 0))$p.value)
  if (anyDuplicated(abs(d)) == 0 && all(d != 0) && length(d) < 50) {
    exact <- wilcox.test(d, exact = TRUE, conf.int = TRUE)
    emit(set, "wilcoxon_exact_p", exact$p.value)
    emit_interval(set, "hodges_lehmann_change", exact$estimate, exact$conf.int)
  }
  model <- lm(after ~ I(group == "a") + before, frame)
  emit_interval(set, "ancova", coef(model)[2], confint(model)[2, ])
  emit(set, "ancova_p", summary(model)$coefficients[2, 4])
  change <- frame$after - frame$before
  between <- t.test(change[frame$group == "a"], change[frame$group == "b"])
  emit_interval(set, "difference_in_change", -diff(between$estimate), between$conf.int)
}
# The signed-rank distribution with ties, by listing every sign.
d <- c(1, -1, 2, 2, 3, -4)
ranks <- rank(abs(d))
signs <- as.matrix(expand.grid(rep(list(0:1), 6)))
sums <- signs %*% ranks
emit("listed", "wilcoxon_exact_p", mean(abs(sums - 10.5) >= abs(sum(ranks[d > 0]) - 10.5) - 1e-9))

fourfold <- matrix(c(20, 5, 12, 6), 2) # before down, after across
emit("fourfold", "mcnemar_chi2", mcnemar.test(fourfold, correct = FALSE)$statistic)
emit("fourfold", "mcnemar_p", mcnemar.test(fourfold, correct = FALSE)$p.value)
emit("fourfold", "mcnemar_corrected_chi2", mcnemar.test(fourfold, correct = TRUE)$statistic)
emit("fourfold", "mcnemar_corrected_p", mcnemar.test(fourfold, correct = TRUE)$p.value)
emit("fourfold", "mcnemar_exact_p", binom.test(5, 17)$p.value)

grades <- matrix(c(4, 14, 1, 0, 0, 16, 5, 0, 0, 1, 2, 1, 0, 0, 0, 1), 4) # before down, after across
shift <- (rowSums(grades) - colSums(grades))[-4]
spread <- -(grades + t(grades))
diag(spread) <- rowSums(grades) + colSums(grades) - 2 * diag(grades)
chi2 <- as.numeric(t(shift) %*% solve(spread[-4, -4]) %*% shift)
emit("grades", "marginal_homogeneity_chi2", chi2)
emit("grades", "marginal_homogeneity_p", pchisq(chi2, 3, lower.tail = FALSE))

# Newcombe's paired interval (Stat Med 1998;17:2635, method 10), written from the paper's definition.
wilson <- function(x, n) suppressWarnings(prop.test(x, n, correct = FALSE)$conf.int)
for (cells in list(c(20, 12, 5, 6), c(36, 12, 2, 0), c(2, 9, 8, 3))) {
  n <- sum(cells)
  p <- c(cells[1] + cells[3], cells[1] + cells[2]) / n # after, before
  after <- wilson(n * p[1], n)
  before <- wilson(n * p[2], n)
  product <- cells[1] * cells[4] - cells[2] * cells[3]
  if (product > n / 2) product <- product - n / 2 else if (product > 0) product <- 0
  margins <- (cells[1] + cells[2]) * (cells[3] + cells[4]) * (cells[1] + cells[3]) * (cells[2] + cells[4])
  phi <- if (margins == 0) 0 else product / sqrt(margins)
  root <- function(x, y) sqrt(x^2 - 2 * phi * x * y + y^2)
  theta <- p[1] - p[2]
  low <- theta - root(p[1] - after[1], before[2] - p[2])
  high <- theta + root(after[2] - p[1], p[2] - before[1])
  emit_interval(paste(cells, collapse = "_"), "risk_change", theta, c(low, high))
}
write_results("paired")
