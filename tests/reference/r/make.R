# Reference values of R: every subject writes values/SUBJECT.csv, after data/*.csv, which R and the tests both read.
#
#   Rscript make.R            (in this folder; needs the packages named in the heads of values/*.csv; the tests need none)

options(warn = 1, digits = 17, stringsAsFactors = FALSE)
set.seed(1)
parts <- c("common", "data", "linear", "coding", "robust", "general", "curves", "splines", "penalized", "effects",
           "instruments", "mixed", "panels", "after", "choices")
for (part in parts) {
  source(paste0(part, ".R"))
}
