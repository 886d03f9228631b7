# Time to an event: survfit and survdiff of the survival package.
source("common.R")
suppressPackageStartupMessages(library(survival))
set.seed(20250303)
n <- 62
frame <- data.frame(
  time = ceiling(rexp(n, 0.08)), event = rbinom(n, 1, 0.7), group = rep(c("a", "b", "c"), c(25, 20, 17))
)
write_data("survival", frame)
for (interval in c("log-log", "log", "plain")) {
  fit <- survfit(Surv(time, event) ~ 1, frame, conf.type = interval)
  for (moment in c(3, 6, 12)) {
    at <- summary(fit, times = moment)
    emit_interval(sprintf("%s_at_%d", interval, moment), "survival", at$surv, c(at$lower, at$upper))
    emit(sprintf("%s_at_%d", interval, moment), "at_risk", at$n.risk)
  }
}
emit("all", "median", summary(fit)$table["median"])
two <- survdiff(Surv(time, event) ~ group, frame, subset = group != "c")
three <- survdiff(Surv(time, event) ~ group, frame)
emit("two", "log_rank_chi2", two$chisq)
emit("two", "log_rank_p", pchisq(two$chisq, 1, lower.tail = FALSE))
emit("three", "log_rank_chi2", three$chisq)
emit("three", "log_rank_p", pchisq(three$chisq, 2, lower.tail = FALSE))
write_results("survival")
