# lm: how factors are coded, term by term, where there is no intercept or where terms lack their margins.

coded <- list("factor(cyl)" = "contr.sum", "factor(gear)" = "contr.helmert")
for (contrasts in list(NULL, coded)) {
  case <- function(name) if (is.null(contrasts)) name else paste0(name, "_contrasts")
  cars <- function(name, formula, types = 1:2) {
    used <- contrasts[names(contrasts) %in% all.vars_as_terms(formula)]
    linear(case(name), formula, "mtcars", types = types, contrasts = if (length(used)) used else NULL)
  }
  all.vars_as_terms <- function(formula) rownames(attr(terms(formula), "factors"))
  cars("two_factors", mpg ~ factor(cyl) + factor(gear) - 1, 1:3)
  cars("slope_first", mpg ~ wt + factor(gear) + factor(cyl) - 1, 1:3)
  cars("slopes_only", mpg ~ wt + wt:factor(cyl) - 1)
  cars("slopes_of_two", mpg ~ wt + wt:factor(cyl) + wt:factor(gear) - 1)
  cars("slopes_after_factor", mpg ~ 0 + factor(cyl) + wt:factor(cyl), 1:3)
  cars("slopes_beside_factor", mpg ~ wt:factor(cyl) + factor(gear) - 1, 1:3)
  cars("crossed", mpg ~ factor(cyl) * factor(am) - 1, 1:3)
  cars("crossed_alone", mpg ~ factor(cyl):factor(am) - 1, 1:3)
  cars("nested", mpg ~ factor(cyl) + factor(cyl):factor(am) - 1, 1:3)
  cars("without_one_margin", mpg ~ factor(am) + factor(cyl):factor(am), 1:3)
  cars("two_crossings", mpg ~ factor(am):factor(cyl) + factor(am):factor(vs))
  cars("two_crossings_no_intercept", mpg ~ factor(am):factor(cyl) + factor(am):factor(vs) - 1)
  # R omits a level because a term with more parts comes first, and the model spans less
  cars("margin_in_product", mpg ~ factor(cyl) + wt:hp + factor(cyl):wt)
  cars("margin_in_slopes", mpg ~ 0 + wt:factor(am) + factor(am):factor(cyl))
}
# car compares models: of three columns that depend on each other any two do without the third
linear("aliased_type_2", mpg ~ wt + hp + I(wt + hp) + qsec, "mtcars", types = 2)
write_values("coding", "car")
