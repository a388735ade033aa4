# Estimated marginal means of the package emmeans, with pairwise contrasts.

suppressMessages(library(emmeans))
emm_options(msg.interaction = FALSE, msg.nesting = FALSE)

effects_case <- function(case, formula, data, specs, family = NULL, weights = NULL, at = NULL, adjust = "tukey") {
  d <- read_data(data)
  w <- if (!is.null(weights)) d[[weights]]
  fit <- if (is.null(family)) do.call("lm", list(formula, d, weights = w)) else settled(formula, family, d, w)
  put_model(case, formula, data, weights)
  if (!is.null(family)) put(case, "family", c(family$family, family$link))
  put(case, "factors", specs)
  grid <- do.call("emmeans", c(list(fit, specs), if (!is.null(at)) list(at = at)))
  if (!is.null(at)) put(case, "at", c(names(at), unlist(at)))
  put_effects(case, "", grid)
  put(case, "adjust", adjust)
  put_effects(case, "pairs_", pairs(grid, adjust = adjust))
  if (!is.null(family) && family$link != "identity") {
    put_effects(case, "response_", grid, "response")
    put_effects(case, "ratio_", pairs(grid, adjust = adjust), "response")
  }
}

put_effects <- function(case, prefix, grid, type = "link") {
  s <- as.data.frame(summary(grid, infer = TRUE, type = type))
  columns <- c("SE", "lower.CL", "upper.CL", "p.value")
  estimate <- intersect(c("emmean", "estimate", "rate", "prob", "ratio", "odds.ratio", "response"), names(s))[1]
  names(s) <- sub("asymp.LCL", "lower.CL", sub("asymp.UCL", "upper.CL", names(s), fixed = TRUE), fixed = TRUE)
  put(case, paste0(prefix, "estimate"), s[[estimate]])
  for (column in columns) put(case, paste0(prefix, column), s[[column]])
}

effects_case("two_factors", breaks ~ wool * tension, "warpbreaks", "tension")
effects_case("cells", breaks ~ wool * tension, "warpbreaks", c("tension", "wool"), adjust = "sidak")
effects_case("variables_at_means", mpg ~ factor(cyl) + wt + I(wt^2) + log(hp), "mtcars", "cyl", adjust = "holm")
effects_case("slopes_differ", len ~ supp * dose, "ToothGrowth", "supp", at = list(dose = 1.5))
effects_case("orthogonal", mpg ~ poly(hp, 2) * factor(am) + factor(gear), "mtcars", "gear", adjust = "bonferroni")
effects_case("missing", Ozone ~ Solar.R + Wind + factor(Month), "airquality", "Month")
effects_case("weighted", mpg ~ wt + factor(cyl), "mtcars", "cyl", weights = "carb")
effects_case("empty_cell", mpg ~ factor(cyl) * factor(gear) + wt, "mtcars", "gear", adjust = "none")
effects_case("counts", breaks ~ wool * tension, "warpbreaks", "tension", poisson())
effects_case("logit", case ~ education * age + parity, "infert", "education", binomial())
effects_case("gamma_log", mpg ~ wt * factor(am) + factor(gear), "mtcars", "gear", Gamma("log"), adjust = "sidak")

write_values("effects", "emmeans")
