# Robust and clustered covariances: sandwich, with clubSandwich as a second opinion on CR3 and lmtest for the tests.

suppressMessages({library(sandwich); library(lmtest); library(clubSandwich)})

# The matrix, and what coeftest() makes of it.
put_robust <- function(case, fit, V) {
  b <- coef(fit)
  full <- matrix(NA, length(b), length(b), dimnames = list(names(b), names(b)))
  full[rownames(V), colnames(V)] <- V
  put(case, "vcov", full[!upper.tri(full)])
  if (any(diag(V) <= 0)) return()
  p <- rep(NA, length(b))
  p[!is.na(b)] <- coeftest(fit, vcov. = V)[, 4]
  put(case, "p_values", p)
}

# Each cluster left out in turn, by definition; of a glm from its working responses, which is one step of Newton's.
put_left_out <- function(case, fit, by, name) {
  X <- model.matrix(fit)
  w <- weights(fit, "working")
  w <- if (is.null(w)) rep(1, nrow(X)) else w
  z <- if (inherits(fit, "glm")) fit$linear.predictors + fit$residuals else model.response(model.frame(fit))
  V <- Reduce(`+`, lapply(unique(by), function(g) {
    less <- lm.wfit(X[by != g, ], z[by != g], w[by != g])
    tcrossprod(coef(less) - coef(fit))
  }))
  dimnames(V) <- list(names(coef(fit)), names(coef(fit)))
  put_robust(sprintf("%s/left out by %s", case, name), fit, V)
}

leverages <- function(case, fit, ...) {
  put_model(case, formula(fit), ...)
  put(case, "names", names(coef(fit)))
  X <- model.matrix(fit) * sqrt(if (is.null(weights(fit, "working"))) 1 else weights(fit, "working"))
  put(case, "condition", condition(X[rowSums(X^2) > 0, !is.na(coef(fit))]))
  if (inherits(fit, "glm")) put(case, "family", c(fit$family$family, fit$family$link))
  put(case, "coefficients", coef(fit))
  for (type in c("HC0", "HC1", "HC2", "HC3")) put_robust(paste(case, type, sep = "/"), fit, vcovHC(fit, type = type))
}

clusters <- function(case, fit, by, kinds) {
  for (kind in kinds) {
    type <- c(CR0 = "HC0", CR1 = if (inherits(fit, "glm")) "HC0" else "HC1", CR3 = "HC3")[[kind]]
    V <- vcovCL(fit, cluster = by, type = type, cadjust = kind != "CR0")
    put_robust(sprintf("%s/%s by %s", case, kind, paste(names(by), collapse = " + ")), fit, V)
  }
}

cars <- read_data("mtcars")
leverages("cars", fitted_lm(mpg ~ wt + factor(cyl) + hp, cars), "mtcars")
leverages("cars_weighted", fitted_lm(mpg ~ wt + factor(cyl) + hp, cars, cars$carb), "mtcars", "carb")
leverages("cars_aliased", fitted_lm(mpg ~ wt + I(2 * wt) + hp, cars), "mtcars")
# of rows of weight zero sandwich counts some here and not there (bread n = 14, meat n = 32), so they are left out first
leverages("cars_zero_weights", fitted_lm(mpg ~ wt + hp, cars[cars$vs > 0, ]), "mtcars", "vs")

panel <- read_data("panel")
for (weights in c("none", "w")) {
  fit <- fitted_lm(inv ~ value + capital, panel, if (weights == "w") panel$w)
  case <- c(none = "panel", w = "panel_weighted")[[weights]]
  leverages(case, fit, "panel", if (weights == "w") weights)
  clusters(case, fit, panel["firm"], c("CR0", "CR1", "CR3"))
  clusters(case, fit, panel["year"], c("CR0", "CR1", "CR3"))
  clusters(case, fit, panel[c("firm", "year")], c("CR0", "CR1"))
  for (kind in c("CR1S", "CR3")) {
    V <- as.matrix(vcovCR(fit, panel$firm, kind))
    put_robust(sprintf("%s/club %s by firm", case, kind), fit, V)
  }
  if (weights == "w") put_left_out(case, fit, panel$firm, "firm")
}

dummies <- fitted_lm(inv ~ value + capital + factor(firm), panel)
put("absorbed", "coefficients", coef(dummies)[2:3])
put("absorbed", "std_errors", coef(summary(dummies))[2:3, 2])
put("absorbed", "figures", c(summary(dummies)$sigma, summary(dummies)$r.squared, summary(dummies)$adj.r.squared, AIC(dummies), BIC(dummies)))
put("absorbed", "condition", condition(model.matrix(dummies)))
for (by in c("year", "firm")) {
  put("absorbed", paste("CR1 by", by), sqrt(diag(vcovCL(dummies, cluster = panel[by]))[2:3]))
}
for (type in c("HC1", "HC3")) put("absorbed", type, sqrt(diag(vcovHC(dummies, type = type))[2:3]))

births <- read_data("infert")
fit <- settled(case ~ spontaneous + induced + age, binomial(), births)
leverages("births", fit, "infert")
clusters("births", fit, births["stratum"], c("CR0", "CR1", "CR3"))
put_left_out("births", fit, births$stratum, "stratum")
clusters("births", fit, births[c("stratum", "parity")], c("CR0", "CR1"))
fit <- do.call("settled", list(inv ~ log(value) + log(capital), Gamma("log"), panel, weights = panel$w))
leverages("invested", fit, "panel", "w")
clusters("invested", fit, panel["firm"], c("CR0", "CR1"))
write_values("robust", c("sandwich", "lmtest", "clubSandwich"))
