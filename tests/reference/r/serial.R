# Errors that depend on earlier ones: sandwich by Newey and West, plm by Driscoll and Kraay and within panels; HC4.

suppressMessages({library(sandwich); library(plm)})

year <- read_data("year")
panel <- read_data("panel")
fit <- lm(inv ~ value + capital, panel)
put_model("rows", formula(fit), "panel")
put("rows", "names", names(coef(fit)))
for (lag in c(0, 1, 4)) put("rows", sprintf("hac %d", lag), NeweyWest(fit, lag = lag, prewhite = FALSE, adjust = FALSE))
put("rows", "bandwidth", floor(bwNeweyWest(fit, kernel = "Bartlett", prewhite = FALSE)))
put("rows", "hac auto", NeweyWest(fit, prewhite = FALSE, adjust = FALSE))
put("rows", "HC4", vcovHC(fit, type = "HC4"))
pooled <- plm(inv ~ value + capital, panel, index = c("firm", "year"), model = "pooling")
for (lag in c(0, 2, 5)) {
  put("rows", sprintf("driscoll_kraay %d", lag), vcovSCC(pooled, type = "HC0", maxlag = lag))
  put("rows", sprintf("panel %d", lag), vcovNW(pooled, type = "HC0", maxlag = lag))
}
write_values("serial", c("sandwich", "plm"))
