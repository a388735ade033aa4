"""Wrong uses of the public functions: each line with a comment is an error of the type that it names."""

from __future__ import annotations

import gramian as gm

rows = {"x": [1, 2, 3, 4], "y": [2, 4, 5, 8]}
fit = gm.ols("y ~ x", rows)
gram = gm.gram("y ~ x", rows)

fit.sumary()  # attr-defined
fit.r_squared.items()  # attr-defined
gm.ols("y ~ x", rows, by="g").r_squared  # attr-defined
gm.fits("c(y, z) ~ x", rows).coefficients  # attr-defined
gm.ols("y ~ x", rows, solver="dual").anova()  # attr-defined
gm.glm("y ~ x", rows).anova()  # attr-defined
gm.lm("y ~ x", rows)  # attr-defined

gm.ols("y ~ x", rows, weigths="w")  # call-overload
gm.ols("y ~ x", rows, digits="ten")  # call-overload
gm.ols("y ~ x", rows, na="omit")  # call-overload
gm.ols("y ~ x", rows, by="g", solver="dual")  # call-overload
gm.ridge("y ~ x", rows)  # call-overload
gm.ridge("y ~ x", rows, 1, vcov="HC1")  # call-overload
gm.fits("y ~ x", rows, solver="dual")  # arg-type
gm.glm("y ~ x", rows, ofset="x")  # call-overload
gm.glm("y ~ x", rows, max_passes=2.5)  # call-overload
gm.curve("y ~ logistic(x)", rows, counts="n")  # call-arg
gm.plan("y ~ x", rows, checkpoint="file")  # call-arg
gm.gram("y ~ x", rows, folds="three")  # arg-type
gram.ols("y ~ x", weights="w")  # call-overload
gram.ols("y ~ x", each=True).r_squared  # attr-defined
gram.ridge("y ~ x")  # call-overload
