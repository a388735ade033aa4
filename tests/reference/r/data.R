# Small data sets of R itself and of MASS and plm, as text that any reader reads alike.

write_data("mtcars", mtcars)
write_data("warpbreaks", warpbreaks)
write_data("ToothGrowth", ToothGrowth)
write_data("airquality", airquality)
write_data("longley", longley)
write_data("trees", trees)
write_data("women", women)
write_data("infert", infert[, c("parity", "age", "induced", "spontaneous", "case", "education", "stratum")])
write_data("puromycin", subset(Puromycin, state == "treated"))
assay <- subset(as.data.frame(DNase), Run == 1)[, c("conc", "density")]
assay$logconc <- sprintf("%.17g", log(assay$conc))
write_data("dnase", assay)
write_data("year", data.frame(Temp = airquality$Temp, day = 121:273))
write_data("quine", MASS::quine)

cancer <- as.data.frame(esoph)
cancer$share <- cancer$ncases / (cancer$ncases + cancer$ncontrols)
cancer$trials <- cancer$ncases + cancer$ncontrols
cancer$share <- sprintf("%.17g", cancer$share)
cancer$ncontrols <- NULL
write_data("esoph", cancer)

data("Grunfeld", package = "plm")
panel <- Grunfeld[(seq_len(nrow(Grunfeld)) * 7) %% 13 != 0, ]  # unbalanced: 15 of 200 rows are left out
panel$w <- 1 + (seq_len(nrow(panel)) * 5) %% 7 / 4
write_data("panel", panel)
