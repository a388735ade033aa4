# glm: families, links, weights, offsets; negative binomials of MASS.

suppressMessages(library(MASS))

rows <- c(1, 5)

general <- function(case, formula, family, data, weights = NULL, dispersion = NULL, fit = NULL, start = NULL) {
  d <- read_data(data)
  if (is.null(fit)) {
    fit <- do.call("settled", list(formula, family, d, weights = if (!is.null(weights)) d[[weights]], start))
  }
  s <- summary(fit, dispersion = dispersion)
  put_model(case, formula, data, weights)
  put(case, "family", c(fit$family$family, fit$family$link))
  put_table(case, fit, coef(s))
  put(case, "condition", condition((sqrt(fit$weights) * model.matrix(fit))[fit$weights > 0, !is.na(coef(fit)), drop = FALSE]))
  put(case, "deviance", deviance(fit))
  put(case, "null_deviance", fit$null.deviance)
  put(case, "df_null", fit$df.null)
  put(case, "pearson", sum(residuals(fit, "pearson")^2))
  put(case, "dispersion", s$dispersion)
  if (!is.na(AIC(fit))) {
    put(case, "loglik", logLik(fit))
    put(case, "aic", AIC(fit))
    put(case, "bic", BIC(fit))
  }
  put(case, "rows_predicted", rows)
  eta <- predict(fit, d[rows, ], se.fit = TRUE, dispersion = s$dispersion)
  put(case, "link", eta$fit)
  put(case, "link_errors", eta$se.fit)
  if (fit$family$link != "identity") put(case, "response", predict(fit, d[rows, ], type = "response"))
  invisible(fit)
}

for (link in c("logit", "probit", "cloglog", "cauchit")) {
  general(link, case ~ spontaneous + induced + age, binomial(link), "infert")
}
general("logit_factors", case ~ education * age + parity, binomial(), "infert")
general("shares", share ~ agegp + alcgp + tobgp, binomial(), "esoph", "trials")
general("shares_probit", share ~ agegp + alcgp, binomial("probit"), "esoph", "trials")
general("shares_quasi", share ~ agegp + alcgp, quasibinomial(), "esoph", "trials")
general("counts", breaks ~ wool * tension, poisson(), "warpbreaks")
general("counts_quasi", breaks ~ wool + tension, quasipoisson(), "warpbreaks")
general("counts_sqrt", breaks ~ wool + tension, poisson("sqrt"), "warpbreaks")
general("counts_identity", breaks ~ wool + tension, poisson("identity"), "warpbreaks")
general("counts_offset", ncases ~ agegp + alcgp + offset(log(trials)), poisson(), "esoph")
general("counts_aliased", carb ~ factor(cyl) + wt + I(3 * wt) + factor(gear), poisson(), "mtcars")
general("counts_no_intercept", carb ~ 0 + factor(cyl) + wt, poisson(), "mtcars")
general("counts_missing", Ozone ~ Solar.R + Wind, poisson(), "airquality")
general("counts_weighted", carb ~ wt + factor(am), poisson(), "mtcars", "gear")
for (link in c("inverse", "log", "identity")) {
  general(paste0("gamma_", link), Volume ~ Girth + Height, Gamma(link), "trees")
}
general("gamma_weighted", mpg ~ wt + factor(cyl), Gamma(), "mtcars", "carb")
general("gamma_zero_weights", mpg ~ wt + hp, Gamma("log"), "mtcars", "vs")
general("inverse_gaussian", mpg ~ wt + hp, inverse.gaussian(), "mtcars")
for (link in c("log", "inverse")) {
  general(paste0("inverse_gaussian_", link), Volume ~ Girth + Height, inverse.gaussian(link), "trees")
}
general("gaussian_log", Volume ~ Girth + Height, gaussian("log"), "trees")
general("gaussian", mpg ~ wt * hp, gaussian(), "mtcars", "carb")
general("quasi_square", Volume ~ Girth + Height, quasi(link = "log", variance = "mu^2"), "trees")
general("quasi_cube", Volume ~ Girth + Height, quasi(link = "log", variance = "mu^3"), "trees")
share <- settled(share ~ agegp, quasibinomial(), read_data("esoph"))
# from where quasi() itself starts, glm() runs away and says that it did not converge
general("quasi_share", share ~ agegp, quasi("logit", "mu(1-mu)"), "esoph", start = share$linear.predictors)
general("negative_binomial", Days ~ Eth * Sex + Lrn, negative.binomial(1.5), "quine", dispersion = 1)
quine <- read_data("quine")
found <- glm.nb(Days ~ Eth + Sex + Age + Lrn, quine)
for (i in 1:20) {
  found <- settled(Days ~ Eth + Sex + Age + Lrn, negative.binomial(found$theta), quine)
  found$theta <- as.numeric(theta.ml(quine$Days, fitted(found), limit = 200, eps = 1e-13))
}
general("negative_binomial_theta", Days ~ Eth + Sex + Age + Lrn, NULL, "quine", dispersion = 1, fit = found)
put("negative_binomial_theta", "theta", found$theta)
p <- found$rank + 1  # glm.nb counts theta
put("negative_binomial_theta", "aic_with_theta", -2 * as.numeric(logLik(found)) + 2 * p)
put("negative_binomial_theta", "bic_with_theta", -2 * as.numeric(logLik(found)) + log(nrow(quine)) * p)

hypothesis_general <- function(case, fit, text) {
  found <- car::linearHypothesis(fit, text)
  put(case, "hypothesis", paste(text, collapse = ", "))
  put(case, "test", c(found[["Chisq"]][2], found[["Df"]][2], found[["Pr(>Chisq)"]][2]))
}
births <- settled(case ~ spontaneous + induced + age, binomial(), read_data("infert"))
hypothesis_general("logit", births, c("spontaneous = induced", "age = 0.1"))
write_values("general", c("MASS", "car"))
