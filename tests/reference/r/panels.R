# Panels: plm's between and random effects, Hausman's test, and the same test by group means with errors by group.

suppressMessages({library(plm); library(sandwich)})

data("Grunfeld", package = "plm")
grunfeld <- with(Grunfeld, data.frame(firm, year, inv, value, capital, size = ifelse(firm <= 4, "large", "small")))
write_data("grunfeld", grunfeld)
write_data("grunfeld_unbalanced", grunfeld[-c(1:9, 33:38, 60, 61, 77, 118:130, 190), ])

put_plm <- function(case, formula, data) {
  d <- read_data(data)
  put_model(case, formula, data)
  random <- plm(formula, d, index = c("firm", "year"), model = "random")
  within <- plm(formula, d, index = c("firm", "year"), model = "within")
  between <- plm(formula, d, index = c("firm", "year"), model = "between")
  for (fit in list(random = random, between = between)) {
    report <- coef(summary(fit))
    kind <- fit$args$model
    put(case, paste(kind, "names"), rownames(report))
    put(case, paste(kind, "coefficients"), report[, 1])
    put(case, paste(kind, "std_errors"), report[, 2])
    put(case, paste(kind, "p_values"), report[, 4])
  }
  put(case, "random by firm", sqrt(diag(vcovHC(random, method = "arellano", type = "HC0"))))
  put(case, "components", sqrt(random$ercomp$sigma2))
  put(case, "quasi", range(random$ercomp$theta))
  test <- phtest(within, random)
  put(case, "hausman", c(test$statistic, test$parameter, test$p.value))
  # the columns and their deviations from means, all quasi-demeaned as the random effects are, beside each other
  y <- as.numeric(pmodel.response(random))
  X <- matrix(model.matrix(random), nrow = length(y))
  W <- matrix(model.matrix(within, cstcovar.rm = "all"), nrow = length(y))
  beside <- lm(y ~ 0 + X + W)
  at <- ncol(X) + seq_len(ncol(W))
  b <- coef(beside)[at]
  V <- vcovCL(beside, cluster = index(random)[[1]], type = "HC1")[at, at]
  put(case, "hausman by firm", as.numeric(b %*% solve(V, b)))
}

put_plm("balanced", inv ~ value + capital, "grunfeld")
put_plm("unbalanced", inv ~ value + capital, "grunfeld_unbalanced")
put_plm("factor", inv ~ value + capital + size, "grunfeld_unbalanced")

write_values("panels", c("plm", "sandwich"))
