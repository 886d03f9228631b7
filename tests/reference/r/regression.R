# Logistic regression: glm, and Firth's penalised likelihood by direct maximisation in one and two dimensions.
source("common.R")
set.seed(20250404)
make <- function(n, slope, digits) {
  x <- round(rnorm(n, 54, 14), digits)
  data.frame(factor = x, outcome = rbinom(n, 1, plogis(-0.8 + slope * (x - 54))))
}
data <- list(
  measured = make(62, 0.04, 1),
  counted = data.frame(factor = rep(c(1, 0, 1, 0), c(14, 5, 23, 20)), outcome = rep(c(1, 0), c(19, 43))),
  separated = data.frame(factor = rep(c(0, 1, 0), c(43, 4, 15)), outcome = rep(c(0, 1), c(43, 19)))
)
write_data("regression", do.call(rbind, lapply(names(data), function(set) cbind(dataset = set, data[[set]]))))

penalised <- function(b, y, x) {
  eta <- b[1] + b[2] * x
  p <- plogis(eta)
  w <- p * (1 - p)
  determinant <- sum(w) * sum(w * (x - sum(w * x) / sum(w))^2)
  sum(y * plogis(eta, log.p = TRUE) + (1 - y) * plogis(-eta, log.p = TRUE)) + 0.5 * log(determinant)
}

for (set in names(data)) {
  y <- data[[set]]$outcome
  spread <- sd(data[[set]]$factor)
  x <- (data[[set]]$factor - mean(data[[set]]$factor)) / spread
  if (set != "separated") {
    fit <- summary(glm(y ~ factor, binomial, data[[set]], control = list(epsilon = 1e-12, maxit = 100)))$coefficients[2, ]
    emit_interval(set, "logistic", exp(fit[1]), exp(fit[1] + c(-1, 1) * qnorm(0.975) * fit[2]))
    emit(set, "logistic_p", fit[4])
  }
  profile <- function(slope) {
    optimize(function(a) penalised(c(a, slope), y, x), c(-9, 9), maximum = TRUE, tol = 1e-14)$objective
  }
  slope <- optimize(profile, c(-6, 6), maximum = TRUE, tol = 1e-14)$maximum
  # The maximum is flat to the sixteenth digit near its top; where the derivative is nought is sharper.
  derivative <- function(b) (profile(b + 1e-3) - profile(b - 1e-3)) * 8 - (profile(b + 2e-3) - profile(b - 2e-3))
  slope <- uniroot(derivative, slope + c(-0.05, 0.05), tol = 1e-13)$root
  top <- profile(slope)
  limit <- function(b) 2 * (top - profile(b)) - qchisq(0.95, 1)
  low <- uniroot(limit, c(slope - 6, slope), tol = 1e-13)$root
  high <- uniroot(limit, c(slope, slope + 6), tol = 1e-13)$root
  emit_interval(set, "firth", exp(slope / spread), exp(c(low, high) / spread))
  emit(set, "firth_p", pchisq(2 * (top - profile(0)), 1, lower.tail = FALSE))
}
write_results("regression")
