# The same statistics by packages that others wrote: coin, exactRankTests, brglm and Epi, on the data of the other scripts.
source("common.R")
suppressPackageStartupMessages({
  library(coin)
  library(exactRankTests)
  library(brglm)
  library(Epi)
})
stored <- function(name) read.csv(file.path("..", "stored", paste0(name, "_data.csv")))

# Newcombe's interval of a difference of proportions (Stat Med 1998;17:873): Epi::ci.pd, method 10.
counts <- stored("counts")
for (set in unique(counts$dataset)) {
  table <- xtabs(count ~ level + group, counts[counts$dataset == set, ])
  if (!all(dim(table) == 2)) next
  found <- ci.pd(unclass(table), method = "Nc", print = FALSE)
  emit_interval(set, "risk_difference", found[5], found[6:7])
}

# Exact rank tests with ties: exactRankTests by the shift algorithm, coin by its own.
groups <- stored("groups")
for (set in c("clean2", "tiny2", "tied2")) {
  frame <- groups[groups$dataset == set, ]
  frame$group <- factor(frame$group)
  emit(set, "mann_whitney_exact_p", wilcox.exact(value ~ group, frame)$p.value)
  emit(set, "mann_whitney_exact_p_coin", pvalue(wilcox_test(value ~ group, frame, distribution = "exact")))
  emit(set, "mann_whitney_z", statistic(wilcox_test(value ~ group, frame)))
}

# Signed ranks: exactRankTests with ties, coin with zeros ranked by Pratt and dropped by Wilcoxon.
paired <- stored("paired")
for (set in unique(paired$dataset)) {
  part <- paired[paired$dataset == set, ]
  frame <- data.frame(change = round(part$after - part$before, 9), none = 0)
  for (zeros in c("Pratt", "Wilcoxon")) {
    z <- statistic(wilcoxsign_test(change ~ none, frame, zero.method = zeros))
    emit(set, paste0("wilcoxon_z_", tolower(zeros)), z)
  }
  # wilcox.exact drops zeros and says so; it counts halves of ranks only up to some size.
  if (nrow(part) < 50) emit(set, "wilcoxon_exact_p", suppressWarnings(wilcox.exact(frame$change)$p.value))
}

# Stuart and Maxwell: coin::mh_test. `vision` is the example of the paper itself (Stuart, Biometrika 1955;42:412).
grades <- as.table(matrix(c(4, 14, 1, 0, 0, 16, 5, 0, 0, 1, 2, 1, 0, 0, 0, 1), 4))
for (one in list(list("grades", grades), list("vision", vision))) {
  test <- mh_test(one[[2]])
  emit(one[[1]], "marginal_homogeneity_chi2", statistic(test))
  emit(one[[1]], "marginal_homogeneity_p", pvalue(test))
}

# Firth: brglm's adjusted scores. Its profile holds the penalty of the smaller model, so only the estimate is compared.
regression <- stored("regression")
for (set in unique(regression$dataset)) {
  sharp <- brglm.control(br.epsilon = 1e-12, br.maxit = 1000)
  part <- regression[regression$dataset == set, ]
  fit <- brglm(outcome ~ factor, binomial, part, pl = TRUE, control.brglm = sharp)
  emit(set, "firth", exp(coef(fit)[2]))
}
write_results("independent")
