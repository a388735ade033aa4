# CR2 with Satterthwaite's degrees of freedom: clubSandwich.
#
#   Rscript -e 'source("common.R"); source("bias_reduced.R")'

suppressMessages(library(clubSandwich))

put_bias_reduced <- function(case, formula, data, by, weights = NULL) {
  d <- read_data(data)
  d$own_weights <- if (is.null(weights)) 1 else d[[weights]]
  fit <- if (is.null(weights)) lm(formula, d) else lm(formula, d, weights = own_weights)
  V <- vcovCR(fit, cluster = d[[by]], type = "CR2")
  tests <- coef_test(fit, vcov = V, test = "Satterthwaite")
  put_model(case, formula, data, weights)
  put(case, "by", by)
  put(case, "vcov", V)
  put(case, "df", tests$df_Satt)
  put(case, "p_values", tests$p_Satt)
}

# clubSandwich inverts the products of columns as they are, and loses digits where these have far different units
for (weights in c("none", "w")) {
  case <- c(none = "panel", w = "panel_weighted")[[weights]]
  weights <- if (weights == "w") weights
  put_bias_reduced(case, inv ~ value + capital, "panel", "firm", weights)
  put_bias_reduced(paste0(case, "/dummies"), inv ~ value + capital + factor(firm), "panel", "firm", weights)
  put_bias_reduced(paste0(case, "/crossed"), inv ~ I(value / 1000) * I(capital / 100) + factor(firm), "panel", "year", weights)
}
# clusters of 1 to 10 cars, each with a dummy of its own in the last two
for (weights in c("none", "gear")) {
  case <- c(none = "cars", gear = "cars_weighted")[[weights]]
  weights <- if (weights == "gear") weights
  put_bias_reduced(case, mpg ~ wt + factor(cyl) + hp, "mtcars", "carb", weights)
  put_bias_reduced(paste0(case, "/dummies"), mpg ~ wt + factor(carb), "mtcars", "carb", weights)
}
write_values("bias_reduced", "clubSandwich")
