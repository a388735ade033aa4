# Comparisons, choices, intervals and parts of dates, row by row, in base R; missing values as R has them.

choose <- function(case, expression, data) {
  value <- eval(parse(text = expression), read_data(data))
  put(case, "expression", gsub('"', "'", expression))
  put(case, "data", data)
  if (is.character(value)) value <- factor(value)
  if (is.factor(value)) put(case, "levels", levels(value))
  put(case, "values", as.numeric(value))
}
air <- c("Ozone > 30", "Ozone > 30 & Wind < 10", "Ozone > 30 | Solar.R > 150", "!(Ozone > 30 | Solar.R > 150)",
         "Ozone > 30 & Solar.R <= 150 | Temp >= 80", "Ozone == Solar.R", "Ozone != 23", "!Temp == 67",
         "Ozone %in% c(41, 12, 18)", "!Ozone %in% c(41, 12, 18)", "(Ozone > 30) * Wind - Temp",
         "ifelse(Ozone > 30, Solar.R, Wind)", "ifelse(Ozone > 30 | Wind > 9, log(Wind), -Temp)",
         "ifelse(Solar.R > 150, 'bright', ifelse(Wind > 10, 'windy', 'dull'))", "pmin(Ozone, Solar.R, 60)",
         "pmax(Wind, Temp - 65)", "pmin(Wind, 10)^2", "ifelse(Wind > 10, TRUE, FALSE)",
         "cut(Ozone, c(1, 20, 40, 168))", "cut(Ozone, c(1, 20, 40, 168), include.lowest = TRUE)",
         "cut(Ozone, c(1, 20, 40, 168), right = FALSE)",
         "cut(Ozone, c(1, 20, 40, 168), right = FALSE, include.lowest = TRUE)", "cut(Temp, c(-Inf, 70.25, 80, Inf))",
         "cut(Temp * 1000, c(97000, 56000, 70123, 70124))", "cut(Wind, c(0, 9.7, 25), labels = c('calm', 'windy'))",
         "cut(-Wind, c(-25, -9.7, 0))")
for (i in seq_along(air)) choose(sprintf("air_%d", i), air[i], "airquality")
choose("text_1", "Eth == 'A' & Days > 10", "quine")
choose("text_2", "Age %in% c('F0', 'F2') | Sex != 'F'", "quine")

day <- seq(as.Date("1968-12-25"), by = 97, length.out = 300)
at <- as.POSIXlt(day)
put("dates", "values", c(at$year + 1900, at$mon %/% 3 + 1, at$mon + 1, at$mday, at$wday + 1, at$yday + 1))
time <- as.POSIXlt(as.POSIXct("2024-02-28 22:00:00", tz = "UTC") + 3601.5 * (0:299))
put("times", "values", c(time$hour, time$min, time$sec))

fit <- lm(Ozone ~ I(Solar.R > 150) * Wind + cut(Temp, c(50, 70, 80, 100)) + pmin(Day, 20), read_data("airquality"))
put_table("model", fit)
put("model", "rows", nobs(fit))
put("model", "condition", condition(model.matrix(fit)))
write_values("choices")
