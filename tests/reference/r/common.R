# Reading data as the library does, and writing figures: one line for each, `case,figure,values`, values by blanks.

kept <- character()

number <- function(x) ifelse(is.na(x), "NA", sprintf("%.17g", as.numeric(x)))

# One line. values : numbers, or names, which are parted by "|" as they may hold blanks.
put <- function(case, figure, values) {
  text <- if (is.character(values)) paste(values, collapse = "|") else paste(number(values), collapse = " ")
  stopifnot(!grepl('"', text))
  kept <<- c(kept, sprintf('%s,%s,"%s"', case, figure, text))
}

# All lines since the last call, under the versions that made them.
write_values <- function(subject, packages = character()) {
  versions <- sprintf("%s %s", packages, vapply(packages, function(p) as.character(packageVersion(p)), ""))
  head <- paste("#", paste(c(R.version.string, versions), collapse = ", "))
  writeLines(c(head, "case,figure,values", kept), sprintf("values/%s.csv", subject))
  kept <<- character()
}

write_data <- function(name, d) {
  for (column in names(d)) if (is.factor(d[[column]])) d[[column]] <- as.character(d[[column]])
  write.csv(d, sprintf("data/%s.csv", name), row.names = FALSE, quote = FALSE)
}

# Text becomes factors whose levels are sorted by code point.
read_data <- function(name) {
  d <- read.csv(sprintf("data/%s.csv", name), check.names = FALSE)
  for (column in names(d)) {
    if (is.character(d[[column]])) {
      d[[column]] <- factor(d[[column]], levels = sort(unique(d[[column]]), method = "radix"))
    }
  }
  d
}

# What is fitted, as the library says it.
put_model <- function(case, formula, data, weights = NULL, contrasts = NULL) {
  text <- paste(deparse(formula, width.cutoff = 500L), collapse = "")
  text <- gsub("raw = TRUE", "raw=TRUE", text, fixed = TRUE)
  for (term in names(contrasts)) {
    column <- gsub("factor\\(|\\)", "", term)
    coded <- sprintf("C(%s, contrast='%s')", column, sub("contr.", "", contrasts[[term]], fixed = TRUE))
    text <- gsub(term, coded, text, fixed = TRUE)
  }
  put(case, "formula", text)
  put(case, "data", data)
  if (!is.null(weights)) put(case, "weights", weights)
}

# Condition of the columns scaled to unit length: what a QR of them loses.
condition <- function(X) kappa(scale(X, center = FALSE, scale = sqrt(colSums(X^2))), exact = TRUE)

put_table <- function(case, fit, inference = coef(summary(fit)), df = fit$df.residual) {
  b <- coef(fit)
  full <- matrix(NA, length(b), ncol(inference))
  full[!is.na(b), ] <- inference
  put(case, "names", names(b))
  put(case, "coefficients", b)
  put(case, "std_errors", full[, 2])
  put(case, "p_values", full[, 4])
  put(case, "df_residual", df)
}

# glm() stops when the deviance stands still, which coefficients do later (half the digits) and the weights of its last
# step later still; a smaller tolerance would be that of the rank, too. So it is started again until nothing moves.
settled <- function(formula, family, data, weights = NULL, start = NULL) {
  eta <- start
  for (i in 1:60) {
    call <- list(formula, family, data, weights = weights, etastart = eta, control = glm.control(maxit = 200))
    fit <- suppressWarnings(do.call("glm", call))
    eta <- rep(NA_real_, nrow(data))
    eta[match(names(fit$linear.predictors), rownames(data))] <- fit$linear.predictors
  }
  stopifnot(fit$converged)
  fit
}
