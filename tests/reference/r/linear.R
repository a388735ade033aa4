# lm: coefficients, figures of the whole, intervals, predictions, analysis of variance, variance inflation.

suppressMessages(library(car))

fitted_lm <- function(formula, d, weights = NULL, contrasts = NULL) {
  fit <- do.call("lm", list(formula, data = d, weights = weights, contrasts = contrasts))
  fit$rows_read <- d
  fit$weights_read <- weights
  fit
}

whole <- function(case, fit) {
  s <- summary(fit)
  put(case, "sigma", s$sigma)
  put(case, "r_squared", s$r.squared)
  put(case, "adj_r_squared", s$adj.r.squared)
  if (!is.null(s$fstatistic)) {
    f <- s$fstatistic
    put(case, "f_test", c(f, pf(f[1], f[2], f[3], lower.tail = FALSE)))
  }
  put(case, "loglik", logLik(fit))
  put(case, "aic", AIC(fit))
  put(case, "bic", BIC(fit))
  put(case, "rows", nobs(fit))
  put(case, "deviance", deviance(fit))
}

predictions <- function(case, fit, new) {
  put(case, "confidence", t(suppressWarnings(predict(fit, new, interval = "confidence"))))
  put(case, "prediction", t(suppressWarnings(predict(fit, new, interval = "prediction", level = 0.8))[, -1, drop = FALSE]))
}

analyses <- function(case, fit, types) {
  if (1 %in% types) {
    a <- anova(fit)
    put(case, "anova_1_terms", rownames(a))
    put(case, "anova_1", t(as.matrix(a[, c("Df", "Sum Sq", "F value", "Pr(>F)")])))
  }
  for (type in setdiff(types, 1)) {
    used <- fit
    if (type == 3) {
      codes <- lapply(fit$xlevels, function(levels) "contr.sum")
      used <- if (length(codes)) fitted_lm(formula(fit), fit$rows_read, fit$weights_read, codes) else fit
    }
    a <- Anova(used, type = type)
    put(case, sprintf("anova_%d_terms", type), rownames(a))
    put(case, sprintf("anova_%d", type), t(as.matrix(a[, c("Df", "Sum Sq", "F value", "Pr(>F)")])))
  }
}

# of : rows that enter, or columns that must be there. rows : for which predictions are written.
linear <- function(case, formula, data, weights = NULL, types = NULL, rows = 1:2, contrasts = NULL, of = TRUE) {
  d <- read_data(data)
  new <- d[rows, ]
  d <- if (is.character(of)) d[complete.cases(d[, of]), ] else d[of, ]
  fit <- fitted_lm(formula, d, if (!is.null(weights)) d[[weights]], contrasts)
  put_model(case, formula, data, weights, contrasts)
  put(case, "rows_predicted", rows)
  put_table(case, fit)
  w <- if (is.null(fit$weights)) rep(1, nobs(fit)) else fit$weights[fit$weights > 0]
  X <- model.matrix(fit)
  X <- X[if (is.null(fit$weights)) rep(TRUE, nrow(X)) else fit$weights > 0, !is.na(coef(fit)), drop = FALSE]
  put(case, "condition", condition(sqrt(w) * X))
  put(case, "confidence_interval", t(confint(fit, level = 0.9)))
  whole(case, fit)
  predictions(case, fit, new)
  analyses(case, fit, types)
  invisible(fit)
}

inflation <- function(case, fit) {
  found <- vif(fit)
  if (is.null(dim(found))) found <- cbind(found, 1, sqrt(found))
  put(case, "vif_terms", rownames(found))
  put(case, "vif", t(found))
}

fit <- linear("numeric", mpg ~ wt + hp + qsec, "mtcars")
inflation("numeric", fit)
fit <- linear("weights", mpg ~ wt + factor(cyl) + disp, "mtcars", "carb", types = 1:3)
inflation("weights", fit)
linear("zero_weights", mpg ~ wt + factor(cyl), "mtcars", "vs", types = 1, rows = 3:4)
linear("some_zero_weights", mpg ~ wt + factor(gear), "mtcars", "vs", types = 1:3)
linear("constant", mpg ~ 1, "mtcars")
fit <- linear("offset", mpg ~ wt + qsec + offset(0.02 * hp), "mtcars", types = 1)
null <- lm(mpg ~ offset(0.02 * hp), read_data("mtcars"))
a <- anova(null, fit)
put("offset", "f_of_slopes", c(a[["F"]][2], a[["Df"]][2], a[["Res.Df"]][2], a[["Pr(>F)"]][2]))
put("offset", "r_squared_of_rest", 1 - deviance(fit) / deviance(null))
linear("no_intercept", mpg ~ 0 + wt + hp, "mtcars", types = 1:3)
linear("no_intercept_factor", mpg ~ 0 + factor(cyl) + wt, "mtcars", types = 1:2)
linear("poly", mpg ~ poly(hp, 3) + wt, "mtcars", types = 1:3)
linear("poly_raw", mpg ~ poly(hp, 3, raw = TRUE), "mtcars")
linear("poly_by_factor", mpg ~ poly(hp, 2) * factor(am), "mtcars", types = 1:3)
linear("powers", mpg ~ wt + I(wt^2) + I(wt * hp) + log(disp), "mtcars", types = 1:2)
linear("log", log(mpg) ~ log(hp) + sqrt(wt) + exp(drat / 5), "mtcars")
linear("aliased", mpg ~ wt + hp + I(wt + hp) + qsec, "mtcars", types = 1)
linear("aliased_factors", mpg ~ factor(cyl) + factor(carb) * factor(gear), "mtcars", types = 1)
linear("factors", breaks ~ wool * tension, "warpbreaks", types = 1:3)
linear("factors_within", breaks ~ tension + wool:tension, "warpbreaks", types = 1)
linear("unbalanced", mpg ~ factor(cyl) * factor(am) + wt, "mtcars", types = 1:3)
linear("slopes", len ~ supp * dose, "ToothGrowth", types = 3)
linear("slopes_without_mains", len ~ supp:dose, "ToothGrowth", types = 1)
linear("doses", len ~ supp * factor(dose), "ToothGrowth", types = 3)
linear("two_way", mpg ~ (factor(am) + factor(vs) + wt)^2, "mtcars", types = 2:3)
linear("longley", Employed ~ ., "longley")
linear("women", weight ~ height + I(height^2) + I(height^3), "women")
linear("missing", Ozone ~ Solar.R + Wind + Temp, "airquality", rows = 4:5)
linear("missing_weights", Ozone ~ Wind + Temp, "airquality", "Solar.R", rows = 4:5)
linear("missing_factor", log(Ozone) ~ Solar.R * factor(Month) + Wind, "airquality", types = 1:3, rows = c(24, 26))
linear("share", share ~ agegp + alcgp + tobgp, "esoph", "trials")
fit <- linear("inflated", mpg ~ wt + hp + factor(cyl) + disp + factor(gear), "mtcars")
inflation("inflated", fit)
fit <- linear("inflated_products", mpg ~ wt * hp + poly(qsec, 2), "mtcars")
inflation("inflated_products", fit)

linear("poly_weights", mpg ~ poly(hp, 2) + wt, "mtcars", "carb")
linear("scaled", mpg ~ scale(hp) + wt, "mtcars")
linear("scaled_weights", mpg ~ scale(hp) + wt, "mtcars", "carb")
# R makes these columns of all rows, those that are left out afterwards, too; "entering" : as if they were not there
linear("poly_zero_weights", mpg ~ poly(hp, 2), "mtcars", "vs", rows = 3:4)
linear("poly_zero_weights_entering", mpg ~ poly(hp, 2), "mtcars", "vs", rows = 3:4, of = read_data("mtcars")$vs > 0)
linear("poly_missing", Ozone ~ poly(Temp, 2) + Wind, "airquality", rows = 3:4)
linear("poly_missing_entering", Ozone ~ poly(Temp, 2) + Wind, "airquality", rows = 3:4, of = c("Ozone", "Wind"))
linear("scaled_missing", Ozone ~ scale(Temp) + Wind, "airquality", rows = 3:4)
linear("scaled_missing_entering", Ozone ~ scale(Temp) + Wind, "airquality", rows = 3:4, of = c("Ozone", "Wind"))

for (name in c("sum", "helmert", "poly")) {
  code <- paste0("contr.", name)
  linear(paste0("contrast_", name), breaks ~ wool * tension, "warpbreaks", contrasts = list(tension = code))
  if (name == "helmert") next
  linear(paste0("contrast_", name, "_slope"), mpg ~ factor(carb) * wt, "mtcars", NULL, NULL, 1:2, list("factor(carb)" = code))
}

hypothesis <- function(case, fit, text, ...) {
  put(case, "hypothesis", paste(text, collapse = ", "))
  found <- linearHypothesis(fit, text, ...)
  put(case, "test", as.numeric(c(found[["F"]][2], found[["Df"]][2], found[["Res.Df"]][2], found[["Pr(>F)"]][2])))
}
cars <- lm(mpg ~ wt + hp + qsec, read_data("mtcars"))
hypothesis("test_one", cars, "wt = hp")
hypothesis("test_two", cars, c("wt + 2*hp = -4", "qsec = 0.5"))
hypothesis("test_hc3", cars, c("wt = -4", "hp = qsec"), vcov. = hccm(cars, type = "hc3"))
for (type in 2:3) {
  robust <- lm(mpg ~ factor(cyl) * factor(am) + wt, read_data("mtcars"), contrasts = list("factor(cyl)" = "contr.sum", "factor(am)" = "contr.sum"))
  a <- suppressMessages(Anova(robust, type = type, white.adjust = "hc1"))
  put(sprintf("anova_hc1_%d", type), "lines", t(as.matrix(a[, c("Df", "F", "Pr(>F)")])))
}
write_values("linear", "car")
