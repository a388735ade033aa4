# Instrumental variables: AER's ivreg with its diagnostics, and sandwich on it.

suppressMessages({library(AER); library(sandwich); library(clubSandwich)})

data("CigarettesSW")
cigarettes <- with(CigarettesSW, data.frame(
  state = as.character(state), year = as.integer(as.character(year)), packs = log(packs),
  price = log(price / cpi), income = log(income / population / cpi), tdiff = (taxs - tax) / cpi, tax = tax / cpi,
  population = round(population / 1e5)
))
write_data("cigarettes", cigarettes)
cigarettes <- read_data("cigarettes")

put_ivreg <- function(case, formula, ours, weights = NULL) {
  d <- cigarettes
  d$.w <- if (is.null(weights)) rep(1, nrow(d)) else d[[weights]]
  fit <- ivreg(formula, data = d, weights = .w)
  put(case, "formula", ours)
  put(case, "data", "cigarettes")
  if (!is.null(weights)) put(case, "weights", weights)
  report <- summary(fit, diagnostics = TRUE)
  put_table(case, fit, coef(report))
  put(case, "figures", c(report$sigma, report$r.squared, report$adj.r.squared, report$waldtest[1]))
  put(case, "diagnostics", rownames(report$diagnostics))
  for (row in rownames(report$diagnostics)) put(case, row, report$diagnostics[row, ])
  if (is.null(weights)) {  # sandwich counts the weights of ivreg twice
    put(case, "HC0", sqrt(diag(vcovHC(fit, type = "HC0"))))
    put(case, "HC1", sqrt(diag(vcovHC(fit, type = "HC1"))))
    # leverages of the second stage, as in the package ivreg; those of AER are of another product
    second <- lm.fit(model.matrix(fit, component = "projected"), residuals(fit))
    h <- hat(second$qr, intercept = FALSE)
    n <- nobs(fit)
    for (kind in c("HC2", "HC3", "HC4")) {
      power <- switch(kind, HC2 = 1, HC3 = 2, HC4 = pmin(4, n * h / length(coef(fit))))
      put(case, kind, sqrt(diag(sandwich(fit, meat. = function(x, ...)
        meatHC(x, omega = function(residuals, diaghat, df) residuals^2 / (1 - h)^power)))))
    }
    put(case, "CR0 by state", sqrt(diag(vcovCL(fit, cluster = d$state, type = "HC0", cadjust = FALSE))))
    put(case, "CR1 by state", sqrt(diag(vcovCL(fit, cluster = d$state, type = "HC1"))))
  }
  for (kind in c("CR2", "CR3")) {
    V <- vcovCR(fit, cluster = d$state, type = kind)
    put(case, paste(kind, "by state"), sqrt(diag(V)))
    if (kind == "CR2") put(case, "CR2 df", coef_test(fit, vcov = V, test = "Satterthwaite")$df_Satt)
  }
}

put_ivreg("one instrument", packs ~ price + income | tdiff + income, "packs ~ income + [price ~ tdiff]")
put_ivreg("two instruments", packs ~ price + income + factor(year) | tdiff + tax + income + factor(year),
          "packs ~ income + factor(year) + [price ~ tdiff + tax]")
put_ivreg("two endogenous", packs ~ price + income | tdiff + tax + factor(year), "packs ~ [price + income ~ tdiff + tax + factor(year)]")
put_ivreg("weighted", packs ~ price + income | tdiff + tax + income, "packs ~ income + [price ~ tdiff + tax]", "population")

write_values("instruments", c("AER", "sandwich", "clubSandwich"))
