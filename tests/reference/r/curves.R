# nls, and its self-starting models.

# nls() stops at a relative offset; it is started again from where it stopped until rounding is all that is left.
settled_nls <- function(formula, data, start, weights) {
  for (i in 1:6) {
    found <- suppressWarnings(do.call("nls", list(formula, data, start, weights = weights,
      control = nls.control(tol = 1e-13, maxiter = 200, warnOnly = TRUE))))
    start <- as.list(coef(found))
  }
  found
}

# The formula with exact derivatives; nls() itself takes differences, which are right to seven digits.
with_gradient <- function(formula, names) {
  used <- all.vars(formula[[3]])
  environment(formula) <- list2env(list(f = deriv(formula[[3]], names, used)), parent = globalenv())
  formula[[3]] <- as.call(c(as.name("f"), lapply(used, as.name)))
  formula
}

curve_of <- function(case, formula, data, start = NULL, weights = NULL) {
  d <- read_data(data)
  fit <- settled_nls(with_gradient(formula, names(start)), d, start, if (!is.null(weights)) d[[weights]])
  put_model(case, formula, data, weights)
  put(case, "start", unlist(start))
  put_table(case, fit, coef(summary(fit)), df.residual(fit))
  G <- fit$m$gradient()
  put(case, "condition", condition(G))
  put(case, "sigma", summary(fit)$sigma)
  put(case, "deviance", deviance(fit))
  put(case, "loglik", logLik(fit))
  put(case, "aic", AIC(fit))
  put(case, "bic", BIC(fit))
  V <- vcov(fit)
  put(case, "vcov", V[!upper.tri(V)])
  w <- if (is.null(weights)) rep(1, nrow(d)) else d[[weights]]
  put(case, "fitted", as.numeric(fitted(fit))[1:4])
  put(case, "fitted_errors", sqrt(rowSums((G %*% V) * G))[1:4] / sqrt(w[1:4]))  # delta method
}

ready <- function(case, formula, data, name) {
  fit <- suppressWarnings(nls(formula, read_data(data)))
  fit <- settled_nls(formula, read_data(data), as.list(coef(fit)), NULL)
  put(case, "formula", name)
  put(case, "data", data)
  put(case, "deviance", deviance(fit))
  put(case, "df_residual", df.residual(fit))
  put(case, "fitted", as.numeric(fitted(fit))[1:8])
}

curve_of("michaelis", rate ~ Vm * conc / (K + conc), "puromycin", list(Vm = 200, K = 0.05))
curve_of("logistic", density ~ Asym / (1 + exp((xmid - log(conc)) / scal)), "dnase", list(Asym = 3, xmid = 0, scal = 1))
curve_of("decay", mpg ~ a * exp(-k * wt), "mtcars", list(a = 50, k = 0.3))
curve_of("decay_weighted", mpg ~ a * exp(-k * wt), "mtcars", list(a = 50, k = 0.3), "carb")
curve_of("floor", mpg ~ low + a * exp(-k * hp), "mtcars", list(low = 10, a = 30, k = 0.01))
curve_of("volume", Volume ~ a * Girth^b * Height^c, "trees", list(a = 0.001, b = 2, c = 1))
curve_of("cycle", Temp ~ mean + high * sin(omega * day) + wide * cos(omega * day), "year", list(mean = 78, high = 1, wide = -8, omega = 0.02))
ready("ready_michaelis", rate ~ SSmicmen(conc, Vm, K), "puromycin", "rate ~ michaelis(conc)")
ready("ready_logistic", density ~ SSlogis(logconc, Asym, xmid, scal), "dnase", "density ~ logistic(logconc)")
ready("ready_logistic4", density ~ SSfpl(logconc, A, B, xmid, scal), "dnase", "density ~ logistic4(logconc)")
ready("ready_gompertz", density ~ SSgompertz(logconc, Asym, b2, b3), "dnase", "density ~ gompertz(logconc)")
write_values("curves")
