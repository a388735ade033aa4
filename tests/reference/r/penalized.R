# Ridge of MASS, lasso and elastic net of glmnet, subsets of leaps, stepwise choice by step().

suppressMessages({library(glmnet); library(leaps); library(MASS)})

cars <- read_data("mtcars")
X <- as.matrix(cars[, c("wt", "hp", "qsec", "disp", "drat")])

# lm.ridge adds lambda to products of columns scaled by their root mean square about the mean.
lambdas <- c(0.1, 1, 10)
found <- lm.ridge(mpg ~ wt + hp + qsec + disp + drat, cars, lambda = lambdas)
put("ridge", "alphas", lambdas)
put("ridge", "coefficients", t(coef(found)))

# glmnet works on an outcome of unit length: that leaves the lasso as it is, and divides lambda (1 - alpha) / 2, what it
# says stands before the squares, by the outcome's standard deviation (over n). `spread` undoes it.
net <- function(case, alpha, lambdas, standardize, weights = NULL, intercept = TRUE) {
  w <- if (is.null(weights)) rep(1, nrow(cars)) else cars[[weights]]
  mean <- if (intercept) weighted.mean(cars$mpg, w) else 0
  fit <- glmnet(X, cars$mpg, weights = w, alpha = alpha, lambda = sort(lambdas, decreasing = TRUE), thresh = 1e-30,
    maxit = 1e7, standardize = standardize, intercept = intercept)
  put(case, "alpha", alpha)
  put(case, "lambdas", fit$lambda)
  put(case, "standardize", standardize)
  if (!is.null(weights)) put(case, "weights", weights)
  put(case, "intercept", intercept)
  put(case, "spread", sqrt(weighted.mean((cars$mpg - mean)^2, w)))
  put(case, "coefficients", as.matrix(coef(fit)))
}
net("lasso", 1, c(0.01, 0.1, 1, 10), FALSE)
net("lasso_standardized", 1, c(0.01, 0.1, 1, 3), TRUE)
net("lasso_weighted", 1, c(0.01, 0.1, 1), FALSE, "carb")
net("lasso_weighted_standardized", 1, c(0.01, 0.1, 1), TRUE, "carb")
net("lasso_no_intercept", 1, c(0.1, 1), FALSE, NULL, FALSE)
net("net", 0.5, c(0.01, 0.1, 1), FALSE)
net("net_standardized", 0.5, c(0.01, 0.1, 1), TRUE)
net("ridge_net", 0, c(0.1, 1, 10), FALSE)
net("ridge_net_standardized", 0, c(0.1, 1), TRUE)

for (method in c("exhaustive", "forward", "backward")) {
  s <- summary(regsubsets(mpg ~ ., cars, nvmax = 10, method = method))
  put(method, "names", colnames(s$which)[-1])
  put(method, "which", t(s$which[, -1]))
  put(method, "rss", s$rss)
  put(method, "adj_r_squared", s$adjr2)
  put(method, "cp", s$cp)
}
full <- lm(mpg ~ ., cars)
for (direction in c("backward", "forward")) {
  for (k in c(aic = 2, bic = log(nrow(cars)))) {
    start <- if (direction == "forward") lm(mpg ~ 1, cars) else full
    chosen <- step(start, formula(full), direction = direction, k = k, trace = 0)
    put(paste("step", direction, if (k == 2) "aic" else "bic"), "terms", sort(attr(terms(chosen), "term.labels")))
  }
}
write_values("penalized", c("glmnet", "leaps", "MASS"))
