# After the fit: influence of rows, tests of assumptions (package lmtest), tests of nested models.

suppressMessages(library(lmtest))

influence_case <- function(case, formula, data, family = NULL, weights = NULL) {
  d <- read_data(data)
  w <- if (!is.null(weights)) d[[weights]]
  fit <- if (is.null(family)) do.call("lm", list(formula, d, weights = w)) else settled(formula, family, d, w)
  put_model(case, formula, data, weights)
  if (!is.null(family)) put(case, "family", c(family$family, family$link))
  put(case, "cooks", cooks.distance(fit))
  put(case, "dffits", dffits(fit))
  put(case, "rstudent", rstudent(fit))
  invisible(fit)
}

tests_case <- function(case, formula, data) {
  fit <- influence_case(case, formula, data)
  bp <- bptest(fit)
  put(case, "breusch_pagan", c(bp$statistic, bp$parameter, bp$p.value))
  reset <- resettest(fit, power = 2:3)
  put(case, "reset", c(reset$statistic, reset$parameter, reset$p.value))
  put(case, "durbin_watson", dwtest(fit)$statistic)
}

nested_case <- function(case, formulas, data, family = NULL, test = "F") {
  d <- read_data(data)
  fits <- lapply(formulas, function(f) if (is.null(family)) lm(f, d) else settled(f, family, d))
  put(case, "formulas", vapply(formulas, function(f) paste(deparse(f, width.cutoff = 500L), collapse = ""), ""))
  put(case, "data", data)
  if (!is.null(family)) put(case, "family", c(family$family, family$link))
  a <- as.data.frame(do.call("anova", c(fits, list(test = test))))
  put(case, "statistic", if (test == "F") a$F else a$Deviance)
  put(case, "p_value", a[[ncol(a)]])
  if (is.null(family)) put(case, "lr", as.data.frame(do.call("lrtest", fits))$Chisq)
}

tests_case("cars", mpg ~ wt + hp + factor(cyl), "mtcars")
tests_case("breaks", breaks ~ wool * tension, "warpbreaks")
influence_case("weighted", mpg ~ wt + hp, "mtcars", weights = "carb")
influence_case("logit", case ~ spontaneous + induced + age, "infert", binomial())
influence_case("counts", breaks ~ wool + tension, "warpbreaks", poisson())
influence_case("gamma", Volume ~ Girth + Height, "trees", Gamma("log"))
nested_case("nested", list(mpg ~ wt, mpg ~ wt + hp, mpg ~ wt * hp + factor(cyl)), "mtcars")
nested_case("nested_logit", list(case ~ age, case ~ age + spontaneous + induced), "infert", binomial(), "Chisq")
nested_case("nested_gamma", list(Volume ~ Girth, Volume ~ Girth + Height), "trees", Gamma("log"))

write_values("after", "lmtest")
