# bs and ns: their columns, and fits with them, beyond their boundary, too.

suppressMessages(library(splines))

beyond <- c(30, 75.5, 111, 245, 400)

spline_of <- function(case, call, said) {
  d <- read_data("mtcars")
  hp <- d$hp
  basis <- eval(parse(text = call))
  put(case, "formula", sprintf("mpg ~ %s", said))
  put(case, "data", "mtcars")
  put(case, "knots", as.numeric(attr(basis, "knots")))
  put(case, "boundary", as.numeric(attr(basis, "Boundary.knots")))
  put(case, "beyond", beyond)
  put(case, "basis", as.numeric(suppressWarnings(predict(basis, if (case == "bs_log") log(beyond) else beyond))))
  fit <- suppressWarnings(lm(as.formula(sprintf("mpg ~ %s", call)), d))
  put_fit(case, fit, data.frame(hp = beyond))
}

put_fit <- function(case, fit, new) {
  put_table(case, fit)
  put(case, "condition", condition(model.matrix(fit)[, !is.na(coef(fit))]))
  put(case, "predicted", t(suppressWarnings(predict(fit, new, interval = "confidence"))))
}

spline_of("bs_5", "bs(hp, df = 5)", "bs(hp, 5)")
spline_of("bs_3", "bs(hp, df = 3)", "bs(hp, 3)")
spline_of("bs_square", "bs(hp, df = 6, degree = 2)", "bs(hp, df=6, degree=2)")
spline_of("bs_straight", "bs(hp, df = 4, degree = 1)", "bs(hp, df=4, degree=1)")
spline_of("bs_knots", "bs(hp, knots = c(100, 150, 200))", "bs(hp, knots=c(100, 150, 200))")
spline_of("bs_boundary", "bs(hp, knots = 120, Boundary.knots = c(40, 360))", "bs(hp, knots=120, boundary=c(40, 360))")
spline_of("bs_boundary_inside", "bs(hp, knots = 120, Boundary.knots = c(60, 300))", "bs(hp, knots=120, boundary=c(60, 300))")
spline_of("ns_4", "ns(hp, df = 4)", "ns(hp, 4)")
spline_of("ns_1", "ns(hp, df = 1)", "ns(hp, 1)")
spline_of("ns_knots", "ns(hp, knots = c(100, 200))", "ns(hp, knots=c(100, 200))")
spline_of("ns_boundary", "ns(hp, knots = c(100, 200), Boundary.knots = c(60, 300))", "ns(hp, knots=c(100, 200), boundary=c(60, 300))")
spline_of("bs_log", "bs(log(hp), df = 5)", "bs(log(hp), 5)")

models <- function(case, formula, said, data, rows) {
  d <- read_data(data)
  put(case, "formula", said)
  put(case, "data", data)
  put(case, "rows_predicted", rows)
  put_fit(case, lm(formula, d), d[rows, ])
}
models("by_factor", mpg ~ bs(hp, df = 4) * factor(am) + wt, "mpg ~ bs(hp, 4) * factor(am) + wt", "mtcars", 1:3)
models("missing", Ozone ~ ns(Temp, df = 4) + bs(Wind, df = 5), "Ozone ~ ns(Temp, 4) + bs(Wind, 5)", "airquality", c(1, 5, 120))
write_values("splines")
