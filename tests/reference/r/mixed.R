# Mixed models: lme4 with the search ended by Newton's method, for its own stop at half of the digits; lmerTest on it.

suppressMessages({library(lme4); library(lmerTest); library(numDeriv)})

sleep <- data.frame(subject = as.integer(as.character(sleepstudy$Subject)), days = sleepstudy$Days,
                    reaction = sleepstudy$Reaction)
sleep$night <- ifelse(sleep$days < 5, "early", "late")
sleep$w <- 1 + (seq_len(nrow(sleep)) * 7) %% 5
sleep <- sleep[-c(3, 17, 18, 25, 61:67, 90, 134, 135), ]  # unbalanced
write_data("sleep", sleep)
machines <- with(as.data.frame(nlme::Machines), data.frame(worker = as.character(Worker), machine = as.character(Machine), score))
write_data("machines", machines)
flat <- with(sleep, data.frame(subject, days, reaction = 250 + 10 * days + rep(c(3, -1, -4, 2), length.out = nrow(sleep))))
write_data("flat", flat)

settled_lmer <- function(formula, d, REML, weights) {
  d$.w <- weights
  parts <- lFormula(formula, d, REML = REML, weights = .w)
  dev <- do.call(mkLmerDevfun, parts)
  theta <- optimizeLmer(dev, optimizer = "bobyqa")$par
  for (i in 1:6) {
    free <- theta > 1e-4 | parts$reTrms$lower < 0
    if (!any(free)) break
    at <- function(x) { t <- theta; t[free] <- x; dev(t) }
    theta[free] <- theta[free] - solve(hessian(at, theta[free]), grad(at, theta[free]))
  }
  theta[!free] <- 0
  as_lmerModLmerTest(lmer_at(dev, theta, parts, formula, d, REML))
}

lmer_at <- function(dev, theta, parts, formula, d, REML) {
  found <- list(par = theta, fval = dev(theta), conv = 0, message = "")
  fit <- mkMerMod(environment(dev), found, parts$reTrms, fr = parts$fr)
  fit@call <- call("lmer", formula = formula, data = quote(d), REML = REML, weights = quote(.w))
  environment(fit@call$formula) <- list2env(list(d = d, formula = formula))
  fit
}

put_lmer <- function(case, formula, data, REML = TRUE, weights = NULL) {
  d <<- read_data(data)
  d$.w <<- if (is.null(weights)) rep(1, nrow(d)) else d[[weights]]
  fit <- settled_lmer(formula, d, REML, d$.w)
  put_model(case, formula, data, weights)
  report <- coef(summary(fit))
  put(case, "names", rownames(report))
  put(case, "coefficients", report[, 1])
  put(case, "std_errors", report[, 2])
  put(case, "df", report[, 3])
  put(case, "p_values", report[, 5])
  put(case, "reml", as.numeric(REML))
  put(case, "figures", c(sigma(fit), as.numeric(logLik(fit)), AIC(fit), BIC(fit)))
  components <- as.data.frame(VarCorr(fit))
  put(case, "vcov", components$vcov)
  put(case, "sdcor", components$sdcor)
  effects <- as.data.frame(ranef(fit))
  effects <- effects[order(as.character(effects$grp), effects$term), ]
  put(case, "effects", effects$condval)
  put(case, "effect_errors", effects$condsd)
  put(case, "fitted", head(fitted(fit), 5))
}

put_lmer("intercept", reaction ~ days + (1 | subject), "sleep")
put_lmer("intercept ML", reaction ~ days + (1 | subject), "sleep", REML = FALSE)
put_lmer("slope", reaction ~ days + (days | subject), "sleep")
put_lmer("slope ML", reaction ~ days + night + (1 + days | subject), "sleep", REML = FALSE)
put_lmer("uncorrelated", reaction ~ days + (1 | subject) + (0 + days | subject), "sleep")
put_lmer("weighted", reaction ~ days + (days | subject), "sleep", weights = "w")
put_lmer("factor", score ~ machine + (0 + machine | worker), "machines")
put_lmer("polynomial", reaction ~ poly(days, 2, raw = TRUE) + (1 | subject), "sleep")
put_lmer("singular", reaction ~ days + (1 | subject), "flat")

# Profile intervals, with steps that are finer than lme4's own, for it interpolates between them.
put_profile <- function(case, formula, data, weights = NULL, ...) {
  d <<- read_data(data)
  d$.w <<- if (is.null(weights)) rep(1, nrow(d)) else d[[weights]]
  fit <- lmer(formula, d, weights = .w, control = lmerControl(optCtrl = list(rhobeg = 0.2, rhoend = 1e-10)))
  put_model(case, formula, data, weights)
  intervals <- suppressMessages(confint(profile(fit, delta.cutoff = 1 / 64, maxpts = 400, ...), level = 0.9))
  put(case, "low", intervals[, 1])
  put(case, "high", intervals[, 2])
}

put_profile("profile slope", reaction ~ days + (days | subject), "sleep")
put_profile("profile uncorrelated", reaction ~ days + night + (1 | subject) + (0 + days | subject), "sleep", "w", which = "theta_")  # it profiles fixed effects without their weights
put_profile("profile intercept", score ~ machine + (1 | worker), "machines")

write_values("mixed", c("lme4", "lmerTest"))
