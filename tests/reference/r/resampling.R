# The cluster jackknife: clubSandwich's CR3 times (G - 1) / G, and coefficients without each cluster by lm.
#
#   Rscript -e 'source("common.R"); source("resampling.R")'

suppressMessages(library(clubSandwich))

put_jackknife <- function(case, formula, data, by, weights = NULL) {
  d <- read_data(data)
  d$own_weights <- if (is.null(weights)) 1 else d[[weights]]
  fit <- lm(formula, d, weights = own_weights)
  put_model(case, formula, data, weights)
  put(case, "by", by)
  clusters <- sort(unique(d[[by]]))
  share <- (length(clusters) - 1) / length(clusters)
  put(case, "vcov", share * vcovCR(fit, cluster = d[[by]], type = "CR3"))
  put(case, "without", sapply(clusters, function(g) coef(lm(formula, d[d[[by]] != g, ], weights = own_weights))))
  put(case, "leverages", tapply(hatvalues(fit), d[[by]], sum))
}

put_jackknife("panel", inv ~ value + capital, "panel", "firm")
put_jackknife("panel_weighted", inv ~ value + capital, "panel", "firm", "w")
put_jackknife("cars", mpg ~ wt + factor(cyl) + hp, "mtcars", "carb")
write_values("resampling", "clubSandwich")
