# Patency looked at in visits: times from dates, survfit on them, and Turnbull's estimate of the same visits.
source("common.R")
suppressPackageStartupMessages(library(survival))
set.seed(20260722)
n <- 72
start <- as.Date("2022-01-10") + sample(0:900, n, replace = TRUE)
later <- function(days, seen) ifelse(seen, format(start + days), "")
crossed <- seq_len(n) > 3
reason <- rep("", n)
reason[!crossed] <- "1"
reason[4:6] <- "2"
reason[7:10] <- c("3", "4", "5", "3")
stopped <- reason != ""
second <- !stopped | seq_len(n) %in% c(5, 6, 9)
third <- !stopped
month_6 <- third & seq_len(n) < 70
visit_2 <- sample(25:50, n, replace = TRUE)
visit_3 <- visit_2 + sample(25:45, n, replace = TRUE)
visit_6 <- visit_3 + sample(150:220, n, replace = TRUE)
shut <- ifelse(month_6, as.character(rbinom(n, 1, 0.3)), "")
frame <- data.frame(
  start = format(start), second = later(visit_2, second), third = later(visit_3, third),
  sixth = later(visit_6, month_6), shut = shut, reason = reason
)
write_data("visits", frame)

event <- shut == "1" | reason %in% c("1", "2")
planned <- ifelse(month_6, 8, ifelse(third, 2, ifelse(second, 1, 0)))
days <- ifelse(month_6, visit_6, ifelse(third, visit_3, ifelse(second, visit_2, 0)))
for (clock in c("planned", "days")) {
  fit <- survfit(Surv(get(clock), event) ~ 1, conf.type = "log-log")
  for (moment in if (clock == "planned") c(0, 1, 2, 8) else c(0, 30, 60, 240, 250)) {
    at <- summary(fit, times = moment)
    dataset <- sprintf("%s_at_%d", clock, moment)
    emit_interval(dataset, "survival", at$surv, c(at$lower, at$upper))
    emit(dataset, "at_risk", at$n.risk)
    emit(dataset, "events", sum(event & get(clock) <= moment))
  }
}
# An occlusion lies between the last visit that found the vein open and the one that found it shut. Of such intervals
# survfit gives Turnbull's estimate, here of time plus 1: an interval must not begin below 0.
found <- event & month_6
turnbull <- survfit(Surv(ifelse(found, 2, planned) + 1, ifelse(event, planned, NA) + 1, type = "interval2") ~ 1)
for (moment in c(0, 1, 2, 8)) {
  emit(sprintf("turnbull_at_%d", moment), "survival", summary(turnbull, times = moment + 1)$surv)
}
write_results("visits")
