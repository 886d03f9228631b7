# Measurements in groups of different patients: base R's own tests.
source("common.R")
set.seed(20250101)
data <- list(
  clean2 = list(a = round(rnorm(23, 54, 15), 6), b = round(rnorm(17, 60, 11), 6)),
  tiny2 = list(a = c(1.2, 3.4, 2.2), b = c(4.1, 5.6, 3.9, 7.0)),
  tied2 = list(a = rpois(43, 6), b = rpois(19, 8)),
  large2 = list(a = round(rlnorm(120, 2, 0.5), 1), b = round(rlnorm(90, 2.1, 0.6), 1)),
  clean3 = list(a = round(rnorm(15, 10, 2), 6), b = round(rnorm(22, 11, 4), 6), c = round(rnorm(11, 13, 1), 6)),
  tied4 = list(a = rpois(12, 3), b = rpois(30, 4), c = rpois(9, 4), d = rpois(25, 5))
)
rows <- do.call(rbind, lapply(names(data), function(set) do.call(rbind, lapply(names(data[[set]]), function(group) {
  data.frame(dataset = set, group = group, value = sprintf("%.17g", data[[set]][[group]]))
}))))
write_data("groups", rows)

for (set in names(data)) {
  samples <- data[[set]]
  value <- unlist(samples, use.names = FALSE)
  group <- factor(rep(names(samples), lengths(samples)))
  for (name in names(samples)) {
    x <- samples[[name]]
    emit(set, paste0("mean_", name), mean(x))
    emit(set, paste0("sd_", name), sd(x))
    emit(set, paste0("shapiro_w_", name), shapiro.test(x)$statistic)
    emit(set, paste0("shapiro_p_", name), shapiro.test(x)$p.value)
    for (type in c(2, 6, 7)) for (part in 1:3) {
      emit(set, sprintf("q%d_type%d_%s", part, type, name), quantile(x, part / 4, type = type))
    }
  }
  kruskal <- kruskal.test(value, group)
  emit(set, "kruskal_h", kruskal$statistic)
  emit(set, "kruskal_p", kruskal$p.value)
  equal <- oneway.test(value ~ group, var.equal = TRUE)
  emit(set, "anova_f", equal$statistic)
  emit(set, "anova_p", equal$p.value)
  unequal <- oneway.test(value ~ group)
  emit(set, "welch_anova_f", unequal$statistic)
  emit(set, "welch_anova_df", unequal$parameter[2])
  emit(set, "welch_anova_p", unequal$p.value)
  if (length(samples) > 2) next
  a <- samples$a
  b <- samples$b
  for (pooled in c(TRUE, FALSE)) {
    name <- if (pooled) "student" else "welch"
    found <- t.test(a, b, var.equal = pooled)
    emit(set, paste0(name, "_t"), found$statistic)
    emit(set, paste0(name, "_df"), found$parameter)
    emit(set, paste0(name, "_p"), found$p.value)
    emit_interval(set, paste0(name, "_difference"), mean(a) - mean(b), found$conf.int)
  }
  emit(set, "mann_whitney_p", wilcox.test(a, b, exact = FALSE, correct = FALSE)$p.value)
  emit(set, "mann_whitney_corrected_p", wilcox.test(a, b, exact = FALSE, correct = TRUE)$p.value)
  d <- (mean(a) - mean(b)) / sqrt((var(a) + var(b)) / 2)
  n <- length(a) + length(b)
  error <- sqrt(n / (length(a) * length(b)) + d^2 / (2 * n))
  emit_interval(set, "smd", d, d + c(-1, 1) * qnorm(0.975) * error)
  differences <- sort(outer(a, b, "-"))
  if (anyDuplicated(value) == 0) {
    exact <- wilcox.test(a, b, exact = TRUE, conf.int = TRUE)
    emit(set, "mann_whitney_exact_p", exact$p.value)
    emit_interval(set, "hodges_lehmann", exact$estimate, exact$conf.int)
  } else {
    ties <- table(rank(value))
    variance <- length(a) * length(b) / 12 * (n + 1 - sum(ties^3 - ties) / (n * (n - 1)))
    cut <- round(length(a) * length(b) / 2 - qnorm(0.975) * sqrt(variance))
    emit_interval(set, "hodges_lehmann", median(differences), c(differences[cut], rev(differences)[cut]))
  }
}
# The permutation test of ranks with ties, by listing every choice of 4 of 10.
a <- c(1, 2, 2, 5)
b <- c(2, 3, 5, 5, 6, 7)
ranks <- rank(c(a, b))
sums <- combn(10, 4, function(chosen) sum(ranks[chosen]))
emit("listed", "mann_whitney_exact_p", mean(abs(sums - 22) >= abs(sum(ranks[1:4]) - 22) - 1e-9))
write_results("groups")
