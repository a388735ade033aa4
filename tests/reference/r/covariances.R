# Bandwidths by Andrews (sandwich), leverages and clusters left out beside factors (sandwich, clubSandwich), and joint
# tests with Hotelling's T squared (clubSandwich).
#
#   Rscript -e 'source("common.R"); source("covariances.R")'

suppressMessages({library(sandwich); library(clubSandwich)})

panel <- read_data("panel")
panel$value <- panel$value / 1000
panel$capital <- panel$capital / 100

put_andrews <- function(case, formula, data) {
  d <- read_data(data)
  fit <- lm(formula, d)
  put_model(case, formula, data)
  bandwidth <- bwAndrews(fit, kernel = "Bartlett", prewhite = FALSE)
  put(case, "bandwidth", bandwidth)
  put(case, "vcov", kernHAC(fit, kernel = "Bartlett", bw = bandwidth, prewhite = FALSE, adjust = FALSE))
}
put_andrews("andrews", inv ~ value + capital, "panel")
put_andrews("andrews/women", weight ~ height + I(height^2), "women")
put_andrews("andrews/constant", inv ~ 1, "panel")
put_andrews("andrews/longley", Employed ~ GNP + Unemployed, "longley")

full <- lm(inv ~ value + capital + factor(firm) + factor(year), panel)
put_model("two factors", inv ~ value + capital | firm + year, "panel")
for (type in c("HC2", "HC3", "HC4")) put("two factors", type, vcovHC(full, type = type)[2:3, 2:3])

put_left_out <- function(case, formula, cluster, weights = NULL) {
  panel$own_weights <- if (is.null(weights)) 1 else panel[[weights]]
  fit <- if (is.null(weights)) lm(formula, panel) else lm(formula, panel, weights = own_weights)
  put_model(case, formula, "panel", weights)
  put(case, "by", cluster)
  put(case, "vcov", as.matrix(vcovCR(fit, cluster = panel[[cluster]], type = "CR3"))[2:3, 2:3])
}
put_left_out("left out", inv ~ value + capital + factor(firm), "year")
put_left_out("left out/years", inv ~ value + capital + factor(year), "firm")  # nested factors make it singular

put_joint <- function(case, formula, data, by, hypotheses, weights = NULL) {
  d <- if (data == "panel") panel else read_data(data)
  d$own_weights <- if (is.null(weights)) 1 else d[[weights]]
  fit <- if (is.null(weights)) lm(formula, d) else lm(formula, d, weights = own_weights)
  V <- vcovCR(fit, cluster = d[[by]], type = "CR2")
  put_model(case, formula, data, weights)
  put(case, "by", by)
  for (name in names(hypotheses)) {
    test <- Wald_test(fit, constraints = constrain_zero(hypotheses[[name]]), vcov = V, test = "HTZ")
    put(case, name, c(test$Fstat, test$df_num, test$df_denom, test$p_val))
  }
}
put_joint("joint", inv ~ value + capital, "panel", "firm", list(both = 2:3, all = 1:3, one = 2))
put_joint("joint/weighted", inv ~ value + capital, "panel", "firm", list(both = 2:3, all = 1:3), "w")
put_joint("joint/crossed", inv ~ value * capital, "panel", "year", list(both = 2:3, three = 2:4))
put_joint("joint/cars", mpg ~ wt + factor(cyl) + hp, "mtcars", "carb", list(both = 3:4, four = 2:5))
puromycin <- read_data("puromycin")
curve <- nls(rate ~ Vm * conc / (K + conc), puromycin, start = c(Vm = 160, K = 0.05), control = nls.control(tol = 1e-7))
put("curve", "formula", "rate ~ Vm * conc / (K + conc)")
put("curve", "data", "puromycin")
put("curve", "HC0", sandwich(curve))
put("curve", "CR0", vcovCL(curve, cluster = puromycin$conc, type = "HC0", cadjust = FALSE))
write_values("covariances", c("sandwich", "clubSandwich"))
