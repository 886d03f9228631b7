# Counts in groups: chisq.test, fisher.test, prop.trend.test, prop.test, binom.test.
source("common.R")
tables <- list(
  fourfold = matrix(c(45, 41, 46, 55), 2),
  sex = matrix(c(29, 14, 9, 10), 2),
  sparse2 = matrix(c(3, 40, 0, 19), 2),
  small2 = matrix(c(2, 6, 7, 3), 2),
  filter = matrix(c(34, 5, 2, 2, 0, 11, 3, 2, 2, 1), 5),
  retrieval = matrix(c(39, 4, 0, 14, 1, 4), 3),
  three = matrix(c(4, 1, 2, 0, 5, 3, 2, 2, 6, 1, 0, 4), 4),
  grades = matrix(c(4, 31, 8, 0, 4, 12, 2, 1), 4),
  wide = matrix(c(9, 14, 3, 22, 8, 6, 13, 5, 11, 4, 2, 7), 2),
  big = matrix(c(120, 260, 75, 310, 190, 145), 3)
)
rows <- do.call(rbind, lapply(names(tables), function(set) {
  at <- expand.grid(level = seq_len(nrow(tables[[set]])), group = seq_len(ncol(tables[[set]])))
  data.frame(dataset = set, at, count = as.vector(tables[[set]]))
}))
write_data("counts", rows)

smd_of_levels <- function(counts) {
  shares <- apply(counts, 2, function(x) x / sum(x))[-1, , drop = FALSE]
  spread <- function(p) diag(p, length(p)) - p %o% p
  s <- (spread(shares[, 1]) + spread(shares[, 2])) / 2
  difference <- shares[, 1] - shares[, 2]
  sqrt(as.numeric(t(difference) %*% solve(s) %*% difference))
}

for (set in names(tables)) {
  counts <- tables[[set]]
  pearson <- suppressWarnings(chisq.test(counts, correct = FALSE))
  emit(set, "pearson_chi2", pearson$statistic)
  emit(set, "pearson_p", pearson$p.value)
  emit(set, "fisher_p", fisher.test(counts, workspace = 2e7)$p.value)
  if (ncol(counts) == 2) {
    d <- smd_of_levels(counts)
    n <- colSums(counts)
    error <- sqrt(sum(n) / prod(n) + d^2 / (2 * sum(n)))
    emit_interval(set, "smd_of_levels", d, d + c(-1, 1) * qnorm(0.975) * error)
    trend <- suppressWarnings(prop.trend.test(counts[, 1], rowSums(counts)))
    emit(set, "trend_chi2", trend$statistic)
    emit(set, "trend_p", trend$p.value)
  }
  if (!all(dim(counts) == 2)) next
  yates <- suppressWarnings(chisq.test(counts, correct = TRUE))
  emit(set, "yates_chi2", yates$statistic)
  emit(set, "yates_p", yates$p.value)
  n <- colSums(counts)
  p <- counts[1, ] / n
  one <- suppressWarnings(prop.test(counts[1, 1], n[1], correct = FALSE)$conf.int)
  two <- suppressWarnings(prop.test(counts[1, 2], n[2], correct = FALSE)$conf.int)
  low <- p[1] - p[2] - sqrt((p[1] - one[1])^2 + (two[2] - p[2])^2)
  high <- p[1] - p[2] + sqrt((one[2] - p[1])^2 + (p[2] - two[1])^2)
  emit_interval(set, "risk_difference", p[1] - p[2], c(low, high))
  if (all(counts > 0)) {
    model <- glm(t(counts) ~ c(1, 0), family = binomial, control = list(epsilon = 1e-12, maxit = 100))
    fit <- summary(model)$coefficients[2, ]
    emit_interval(set, "odds_ratio", exp(fit[1]), exp(fit[1] + c(-1, 1) * qnorm(0.975) * fit[2]))
  }
}
for (pair in list(c(43, 62), c(62, 72), c(0, 19), c(19, 19), c(1, 7))) {
  set <- sprintf("%d_of_%d", pair[1], pair[2])
  wilson <- suppressWarnings(prop.test(pair[1], pair[2], correct = FALSE)$conf.int)
  emit_interval(set, "wilson", pair[1] / pair[2], wilson)
  emit_interval(set, "clopper_pearson", pair[1] / pair[2], binom.test(pair[1], pair[2])$conf.int)
}
p <- c(0.001, 0.04, 0.03, 0.2, 0.04, 0.9, 0.011)
for (i in seq_along(p)) {
  emit("family", sprintf("p_%d", i), p[i])
  emit("family", sprintf("holm_%d", i), p.adjust(p, "holm")[i])
  emit("family", sprintf("fdr_%d", i), p.adjust(p, "BH")[i])
}
write_results("counts")
