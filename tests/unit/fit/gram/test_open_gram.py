"""A Gram as arrays and as bytes, sums of its groups, and Grams of sums that were made elsewhere."""

from __future__ import annotations

import io
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gramian as gm
from gramian.errors import ArtifactError, DataError, OptionError

RANDOM = np.random.default_rng(7)
ROWS = 500
DATA: dict[str, Any] = {
    "x": RANDOM.normal(1e4, 2.0, ROWS),
    "z": RANDOM.exponential(size=ROWS),
    "f": RANDOM.choice(list("abc"), ROWS),
    "g": RANDOM.choice(["u", "v", "w"], ROWS),
    "n": RANDOM.integers(1, 5, ROWS),
    "w": RANDOM.uniform(0.5, 2.0, ROWS),
}
DATA["y"] = 3 + 0.3 * DATA["x"] + DATA["z"] + (DATA["f"] == "b") + RANDOM.normal(size=ROWS)
NAMES = ("x", "z", "f[a]", "f[b]", "f[c]", "y")
COLUMNS = np.column_stack([DATA["x"], DATA["z"], *[DATA["f"] == level for level in "abc"], DATA["y"]])
PAGE = Path(__file__).resolve().parents[4] / "docs" / "file-format.md"


def exact_products(weights: Any) -> np.ndarray:
    """Products about the means in rational arithmetic."""
    rows = [[Fraction(float(v)) for v in row] for row in COLUMNS]
    w = [Fraction(float(v)) for v in weights]
    total, p = sum(w), COLUMNS.shape[1]
    means = [sum(a * r[j] for a, r in zip(w, rows, strict=True)) / total for j in range(p)]
    centred = [[v - m for v, m in zip(r, means, strict=True)] for r in rows]
    out = [[sum(a * r[i] * r[j] for a, r in zip(w, centred, strict=True)) for j in range(p)] for i in range(p)]
    return np.array([[float(v) for v in row] for row in out])


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ({}, np.ones(ROWS)),
        ({"weights": "w"}, DATA["w"]),
        ({"counts": "n"}, DATA["n"]),
        ({"exact": True}, np.ones(ROWS)),
    ],
)
def test_matrix_and_means_are_those_of_the_rows(options: dict[str, Any], weights: np.ndarray) -> None:
    gram = gm.gram("y ~ x + z + f", DATA, **options)
    expected = exact_products(weights)
    assert gram.names == NAMES
    assert np.abs(gram.means - weights @ COLUMNS / weights.sum()).max() < 1e-11
    size = np.sqrt(expected.diagonal())
    # sums of 500 rows about shifts near the means: their rounding is below 1e-13 of the lengths
    assert np.abs((gram.matrix() - expected) / size[:, None] / size).max() < 1e-13
    raw = (COLUMNS * weights[:, None]).T @ COLUMNS
    lengths = np.sqrt(raw.diagonal())
    assert np.abs((gram.matrix(centred=False) - raw) / lengths[:, None] / lengths).max() < 1e-13
    assert np.array_equal(gram.matrix(), gram.matrix().T)
    if "weights" not in options:
        expected_covariance = np.cov(COLUMNS.T, fweights=weights.astype(int))
        assert np.allclose(gram.covariance(), expected_covariance, rtol=1e-9, atol=1e-12)
    assert np.allclose(gram.correlation().matrix, expected / size[:, None] / size, rtol=0.0, atol=1e-12)


def test_a_gram_is_had_back_from_its_arrays() -> None:
    gram = gm.gram("y ~ x + z + f", DATA)
    back = gm.from_moments(gram.names, gram.matrix(), gram.means, gram.rows)
    for formula in ("y ~ x + z", "y ~ z", "x ~ y", "z ~ x + y"):
        old, new = gram.ols(formula), back.ols(formula)
        size = np.maximum(np.abs(old.coefficients), old.std_errors)
        # as many digits as the certificate of the new one says
        assert (np.abs(new.coefficients - old.coefficients) <= size * 10.0**-new.digits).all(), formula
        assert (np.abs(new.std_errors / old.std_errors - 1.0) <= 10.0**-new.std_error_digits).all(), formula
        assert new.rows == old.rows
        assert new.loglik == pytest.approx(old.loglik, rel=1e-12)
    with_levels, plain = back.ols("y ~ x + z + `f[b]` + `f[c]`"), gram.ols("y ~ x + z + f")
    assert np.allclose(with_levels.coefficients, plain.coefficients, rtol=1e-9)
    again = gm.from_moments(back.names, back.matrix(), back.means, back.rows)
    assert again.names == back.names == ("x", "z", "`f[a]`", "`f[b]`", "`f[c]`", "y")


def test_paths_and_selections_come_from_given_sums() -> None:
    gram = gm.gram("y ~ x + z", DATA)
    back = gm.from_moments(gram.names, gram.matrix(), gram.means, gram.rows)
    assert np.allclose(back.ridge(3.0).coefficients, gram.ridge(3.0).coefficients, rtol=1e-10)
    assert np.allclose(back.path().coefficients, gram.path().coefficients, rtol=1e-9, atol=1e-12)
    assert back.select("bic").terms == gram.select("bic").terms
    both = back + gm.from_moments(gram.names, 2 * gram.matrix(), gram.means, gram.rows)
    assert both.rows == 2 * ROWS
    with pytest.raises(DataError, match="already there"):
        _ = back + back


def test_a_stated_error_costs_digits() -> None:
    gram = gm.gram("y ~ x + z", DATA)
    digits = []
    for error in (0.0, 1e-12, 1e-8):
        back = gm.from_moments(gram.names, gram.matrix(), gram.means, gram.rows, error=error)
        digits.append(back.ols(digits=0).digits[1:].min())
        assert gm.load(back.to_bytes()).ols(digits=0).digits[1:].min() == digits[-1]
    assert digits[0] > digits[1] > digits[2]
    assert digits[1] - digits[2] == pytest.approx(4.0, abs=0.1)  # an error 10^4 times as large
    rng = np.random.default_rng(3)
    exact = gram.ols()
    for _ in range(20):  # products that are off by as much as was stated
        noise = rng.uniform(-1e-8, 1e-8, (3, 3))
        size = np.sqrt(gram.matrix().diagonal())
        off = gram.matrix() + (noise + noise.T) / 2 * size[:, None] * size
        fit = gm.from_moments(gram.names, off, gram.means, gram.rows, error=1e-8).ols(digits=0)
        scale = np.maximum(np.abs(exact.coefficients), exact.std_errors)
        assert (np.abs(fit.coefficients - exact.coefficients)[1:] <= (scale * 10.0**-fit.digits)[1:]).all()


def test_weights_of_given_sums() -> None:
    gram = gm.gram("y ~ x + z", DATA, weights="w")
    weight = float(DATA["w"].sum())
    back = gm.from_moments(gram.names, gram.matrix(), gram.means, gram.rows, weight=weight)
    old, new = gram.ols(), back.ols()
    assert np.allclose(new.std_errors, old.std_errors, rtol=1e-10)
    assert np.isnan(new.loglik)  # the weights themselves are not known
    assert np.allclose(back.covariance(), gram.covariance(), rtol=1e-12)


@pytest.mark.parametrize("power", [-200, 200])
def test_columns_of_any_magnitude(power: int) -> None:
    scale = 10.0 ** np.array([power / 2, 0.0])
    products = np.array([[5.0, 9.5], [9.5, 18.75]]) * scale[:, None] * scale
    gram = gm.from_moments(["a", "y"], products, [2.5 * scale[0], 4.75], 4)
    assert gram.ols()["a"] * scale[0] == pytest.approx(1.9, rel=1e-14)
    assert np.allclose(gram.matrix(), products, rtol=1e-15)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"names": ["a"]}, "products must have the shape (1, 1) for 1 names, found (2, 2)"),
        ({"names": ["a", "a"]}, "'a' stands there twice"),
        ({"names": []}, "names must be texts, one for each column"),
        ({"names": ["a", 3]}, "found 3"),
        ({"means": [1.0]}, "means must have the shape (2,)"),
        ({"means": [1.0, np.inf]}, "means of 'y' are not finite"),
        ({"products": [[1.0, np.nan], [np.nan, 1.0]]}, "products of 'a' are not finite"),
        ({"products": [[1.0, 0.2], [0.3, 1.0]]}, "that of 'a' with 'y' is 0.2"),
        ({"products": [[1.0, 2.0], [2.0, 1.0]]}, "they have the eigenvalue -1"),
        ({"products": [[-1.0, 0.0], [0.0, 1.0]]}, "the square of 'a' is negative"),
        ({"products": "many"}, "products must be an array of numbers"),
        ({"rows": 0}, "rows must be a whole number above 0, found 0"),
        ({"rows": 2.5}, "rows must be a whole number above 0, found 2.5"),
        ({"weight": -1.0}, "weight must be the sum of the weights"),
        ({"error": 2.0}, "error must be a number from 0 to 0.1"),
        ({"outcome": "Y"}, "outcome: no column 'Y'; did you mean 'y'?"),
    ],
)
def test_sums_of_nothing_real_are_refused(changed: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"names": ["a", "y"], "products": np.eye(2), "means": [0.0, 1.0], "rows": 9, **changed}
    with pytest.raises(OptionError, match=re.escape(message)):
        gm.from_moments(**given)


def test_groups_are_grams_and_add_up() -> None:
    gram = gm.gram("y ~ x + z + f", DATA, by="g")
    for keys in (["u"], ["u", "w"], ["w", "v", "u"]):
        chosen = np.isin(DATA["g"], keys)
        part = gram.total(keys) if len(keys) > 1 else gram.group(keys[0])
        expected = gm.ols("y ~ x + z + f", {name: values[chosen] for name, values in DATA.items()})
        assert part.rows == int(chosen.sum())
        assert np.allclose(part.ols().coefficients, expected.coefficients, rtol=1e-9)
        assert np.allclose(part.ols().std_errors, expected.std_errors, rtol=1e-9)
    both = gram.group("u") + gram.group("w")
    assert np.allclose(both.ols().coefficients, gram.total(["u", "w"]).ols().coefficients, rtol=1e-10)
    with pytest.raises(DataError, match="already there: g = u"):
        _ = gram.group("u") + gram.group("u")
    for keys, message in (([], "at least one"), (["u", "u"], "named twice"), (["q"], "no rows have g = q")):
        with pytest.raises(OptionError, match=message):
            gram.total(keys)
    with pytest.raises(OptionError, match="stores no sums of groups"):
        gm.gram("y ~ x", DATA, folds=2).group("u")


def test_bytes_are_those_of_the_file(tmp_path: Path) -> None:
    gram = gm.gram("y ~ x + f", DATA, folds=3)
    gram.save(tmp_path / "a.gram")
    content = (tmp_path / "a.gram").read_bytes()
    assert gram.to_bytes() == content
    for stored in (content, memoryview(content), bytearray(content), io.BytesIO(content), tmp_path / "a.gram"):
        assert np.array_equal(gm.load(stored).matrix(), gram.matrix())  # type: ignore[union-attr]
    with open(tmp_path / "a.gram", "rb") as file:
        assert gm.load(file).rows == ROWS
    for wrong, message in (
        (content[:-1], "these bytes: "),
        (content[:50] + b"!" + content[51:], "these bytes: "),
        (io.StringIO("text"), "it gives text, not bytes"),
        (3, "expected a path, bytes or an open binary file, found int"),
    ):
        with pytest.raises(ArtifactError, match=message):
            gm.load(wrong)  # type: ignore[arg-type]


def test_the_summary_has_means_and_deviations() -> None:
    text = gm.gram("y ~ x + f", DATA, by="g").summary()
    assert text.splitlines()[0] == "Gram of y ~ x + f"
    assert re.search(r"^rows: +500$", text, re.MULTILINE)
    assert re.search(r"^f\[b\] +0\.\d+ +0\.4\d+$", text, re.MULTILINE)
    assert re.search(r"^groups by: +g \(3\)$", text, re.MULTILINE)
    several = gm.gram("c(y, z) ~ x", DATA)
    assert "mean" not in several.summary()
    with pytest.raises(OptionError, match="several outcomes"):
        several.matrix()
    assert "std. deviation" in gm.gram("y ~ x", DATA)._repr_html_()


def test_another_program_can_write_a_gram(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    exec(compile(code, PAGE.name, "exec"), {})
    gram = gm.load("mine.gram")
    assert isinstance(gram, type(gm.gram("y ~ x", DATA)))
    assert gram.ols().coefficients.tolist() == pytest.approx([0.0, 1.9], abs=1e-14)
    assert (gram.names, gram.means.tolist(), gram.rows) == (("a", "y"), [2.5, 4.75], 4)
