// The page's algebra against cases that gramian computed. PAGE: folder of the modules; CASES: file of the cases.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { pathToFileURL } from "node:url";

const load = name => import(pathToFileURL(`${process.env.PAGE}/algebra/${name}.js`));
const cases = JSON.parse(readFileSync(process.env.CASES, "utf8"));
const { line, cost, gradient, eigen2 } = await load("line");
const descent = await load("descent");
const { polynomial, conditionOfPowers } = await load("polynomial");
const { svd } = await load("svd");
const { valley, sameColumnTwice, oneRow } = await load("valley");
const logistic = await load("sigmoid");
const { curvePasses, CURVES, startOf } = await load("gaussnewton");
const { pointsOf, textOf } = await load("paste");
const { encode, decode } = await load("address");
const { num, sum, count, ticks, nice, digitsIn } = await load("numbers");
const work = await load("work");

/** Largest difference, relative to the largest number. */
function far(got, want) {
  const g = [got].flat(3), w = [want].flat(3);
  assert.equal(g.length, w.length);
  return Math.max(...g.map((v, i) => Math.abs(v - w[i]))) / (Math.max(...w.map(Math.abs)) || 1);
}
const close = (got, want, tolerance, what) => assert.ok(far(got, want) <= tolerance, `${what}: ${JSON.stringify([got, want])}`);

test("a line: every matrix of the derivation", () => {
  for (const known of cases.lines) {
    const f = line(known.points), t = known.tolerance;
    close(f.H, known.XtX, 1e-13, "X'X");
    close(f.c, known.Xty, 1e-13, "X'y");
    close(f.determinant, known.determinant, t, "determinant");
    close(f.inverse, known.inverse, t, "inverse");
    close(f.w, known.w, t, "w");
    close(f.eigen.values, known.eigenvalues, 1e-13, "eigenvalues");
    close(f.eigen.values[0], known.eigenvalues[0], t, "smallest eigenvalue");
    close(f.cost, known.cost, t, "cost");
    close(gradient(known.points, known.w), [0, 0], 1e-9 * (1 + f.xx), "gradient");
  }
});

test("points above one x have no inverse, and the shortest w", () => {
  const known = cases.singular, f = line(known.points);
  assert.equal(f.inverse, null);
  assert.equal(f.determinant, 0);
  close(f.w, known.w, 1e-13, "w");
});

test("the gradient is the slope of the cost", () => {
  const points = cases.lines[0].points, w = [0.03, 2.1], h = 1e-6, g = gradient(points, w);
  const slope = k => (cost(points, w.map((v, j) => v + h * (j === k))) - cost(points, w.map((v, j) => v - h * (j === k)))) / (2 * h);
  close(g, [slope(0), slope(1)], 1e-7, "gradient");
});

test("steps are counted and predicted as gramian compare does", () => {
  for (const { points, scaled, rate, steps } of cases.descents) {
    const f = line(points), p = descent.rescaled(f, scaled ? f.xMean : 0, scaled ? Math.sqrt(f.sxx / f.rows) : 1), digits = [2, 4, 8];
    const iterates = {
      gd: descent.gradientDescent(p.H, p.c, rate), best: descent.gradientDescent(p.H, p.c, p.best),
      momentum: descent.momentum(p.H, p.c, p), cg: descent.conjugateGradient(p.H, p.c),
    };
    for (const method in iterates) {
      const { counts } = descent.walk(iterates[method], p.w, digits, 10, 1e6);
      assert.deepEqual(counts, steps[method].map(s => s[0]), `${method} ${scaled}`);
      const predicted = digits.map(d => descent.predicted[method](d, p.eigen, method === "gd" ? rate : p.best));
      assert.deepEqual(predicted, steps[method].map(s => s[1]), `${method} ${scaled}, predicted`);
    }
    assert.deepEqual(descent.stepsAtRate(p.H, p.w, p.eigen, digits, rate), steps.gd.map(s => s[0]), "closed form");
  }
});

test("beyond 2 / l_max of the Hessian the walk diverges, and below it does not", () => {
  const f = line(cases.lines[0].points), { limit } = descent.rates(f.eigen);
  const after = (rate, n) => {
    let w;
    for (const at of descent.gradientDescent(f.H, f.c, rate)) if ((w = at) && !n--) return Math.hypot(w[0] - f.w[0], w[1] - f.w[1]);
  };
  assert.ok(after(1.001 * limit, 3000) > 1e2);
  assert.ok(after(0.999 * limit, 3000) < Math.hypot(...f.w));
  assert.deepEqual(descent.stepsAtRate(f.H, f.w, f.eigen, [2, 8], 1.001 * limit), [null, null]);
});

test("scaled columns have condition 1, and the same line", () => {
  const f = line(cases.lines[0].points), deviation = Math.sqrt(f.sxx / f.rows), p = descent.rescaled(f, f.xMean, deviation);
  close(p.condition, 1, 1e-13, "condition");
  close([p.w[0] / deviation, p.w[1] - (p.w[0] / deviation) * f.xMean], f.w, 1e-13, "line");
});

test("singular values, also of dependent columns", () => {
  const A = [[1, 2, 3, 4], [2, 4, 6, 8.5], [1, 2, 3, 4]], { U, s, V } = svd(A);
  assert.ok(s[2] < 1e-15 * s[0]);
  const back = A.map((_, j) => A[0].map((_, i) => s.reduce((t, v, k) => t + v * U[k][i] * V[k][j], 0)));
  close(back, A, 1e-15 * 8, "U diag(s) V'");
});

test("polynomials of exact fractions", () => {
  for (const { points, degree, predictions, cost: lowest, condition, tolerance } of cases.polynomials) {
    const p = polynomial(points, degree, 0), size = Math.max(...points.map(q => q[1]));
    close(points.map(([x]) => p.at(x)), predictions, 1e-11, `degree ${degree}`);
    assert.ok(Math.abs(p.cost - lowest) <= 1e-12 * size ** 2, `cost ${p.cost} ${lowest}`);
    close(conditionOfPowers(points, degree), condition, tolerance, `condition of degree ${degree}`);
  }
});

test("ridge, and the smallest coefficients where there are more columns than rows", () => {
  for (const known of cases.ridges) {
    const p = polynomial(known.points, known.degree, known.ridge);
    close(p.coefficients, known.coefficients, 1e-11, `ridge ${known.ridge}`);
  }
  const few = cases.ridges.at(-1);
  assert.ok(polynomial(few.points, few.degree, 0).cost < 1e-25);
  assert.equal(conditionOfPowers(few.points, few.degree), Infinity);
});

test("the column of x twice, and one row only", () => {
  for (const { points, ridge, w } of cases.twice) close(valley(sameColumnTwice(line(points)), ridge).w, w, 1e-12, "twice");
  for (const { point, ridge, w } of cases.rows) close(valley(oneRow(point), ridge).w, w, 1e-12, "one row");
  const v = valley(oneRow([4, 2.3]), 2), [[p, q], [, r]] = v.H;
  close(v.determinant, p * r - q * q, 1e-14, "determinant");
  close([p * v.w[0] + q * v.w[1], q * v.w[0] + r * v.w[1]], v.c, 1e-14, "H w = c");
});

test("the sigmoid, with ridge and without", () => {
  for (const { points, ridge, w, deviance } of cases.sigmoids) {
    const last = logistic.passes(points, ridge, 30).at(-1);
    close(last.w, w, 1e-12, `ridge ${ridge}`);
    close(last.deviance, deviance, 1e-12, "deviance");
  }
});

test("the working outcomes are a weighted line", () => {
  const { rows, w, d } = logistic.passes(cases.sigmoids[0].points, 0, 30)[1];
  let xx = 0, x1 = 0, n = 0, xz = 0, z = 0;
  for (const r of rows) {
    xx += r.weight * r.x * r.x;
    x1 += r.weight * r.x;
    n += r.weight;
    xz += r.weight * r.x * r.working;
    z += r.weight * r.working;
  }
  const det = xx * n - x1 * x1;
  close([(n * xz - x1 * z) / det, (xx * z - x1 * xz) / det], [w[0] + d[0], w[1] + d[1]], 1e-12, "next w");
});

test("separated classes are seen, and ridge gives them one best sigmoid", () => {
  const apart = [[1, 1], [2, 1], [3, 0], [4, 0]];
  assert.ok(logistic.separated(apart));
  assert.ok(!logistic.separated(cases.sigmoids[0].points));
  const list = logistic.passes(apart, 0, 12);
  assert.ok(list.every((p, i) => i === 0 || (p.deviance < list[i - 1].deviance && Math.abs(p.w[0]) > Math.abs(list[i - 1].w[0]))));
  const { w, g, step } = logistic.passes(apart, 1, 30).at(-1);
  assert.ok(step < 1e-11 && Math.abs(w[0]) < 5 && Math.hypot(...g) < 1e-11);
});

test("tanh and arctan by Gauss-Newton", () => {
  for (const { points, curve, w, cost: lowest } of cases.curves) {
    const list = curvePasses(points, CURVES[curve], startOf(points), 30);
    close(list.at(-1).w, w, 1e-9, curve);
    close(list.at(-1).cost, lowest, 1e-12, `cost of ${curve}`);
    assert.ok(list.every((p, i) => i === 0 || p.cost <= list[i - 1].cost * (1 + 1e-12)));
  }
});

test("work", () => {
  const n = work.crossover(100);
  assert.equal(work.solving(n), work.stepping(n, 100));
});

test("points are read from text", () => {
  assert.deepEqual(pointsOf("x y\n1 2\n3,4\n5\t6\n").points, [[1, 2], [3, 4], [5, 6]]);
  assert.deepEqual(pointsOf("1,5;2,25\n3;4").points, [[1.5, 2.25], [3, 4]]);
  assert.deepEqual(pointsOf(textOf([[1.5, -2], [0, 1e-3]])).points, [[1.5, -2], [0, 1e-3]]);
  assert.match(pointsOf("1 2\n3 x").problem, /line 2, “3 x”/);
  assert.match(pointsOf("1 2").problem, /at least two/);
  assert.match(pointsOf("1 2 3\n4 5 6").problem, /line 1/);
  assert.match(pointsOf(Array(201).fill("1 2").join("\n")).problem, /200 are the most/);
});

test("the address carries the state, and nonsense is left out", () => {
  const start = { scene: "cost", pts: [[0, 0]], w: null, ratePlace: 0.5, outcomes: "01", lit: 7 };
  const state = { ...start, pts: [[1, 2.5], [-3, 1e-7]], w: [0.1, -2], ratePlace: 0.7, scene: "descent" };
  const text = encode(state, start);
  assert.deepEqual({ ...start, ...decode(text) }, state);
  assert.deepEqual(decode("#pts=1,2&w=a,b&ratePlace=&lit=NaN&__proto__=1&x%=%&unknown=3"), {});
});

test("numbers as text", () => {
  assert.deepEqual([num(-0.000012345), num(1234567.8, 4), num(2e9), num(Infinity), num(-3)], ["−1.23·10⁻⁵", "1235000", "2·10⁹", "∞", "−3"]);
  assert.deepEqual([sum(0.1 + 0.2), sum(40276865), sum(-2.5e12)], ["0.3", "40276865", "−2.5·10¹²"]);
  assert.deepEqual([digitsIn([0, 10]), digitsIn([2000, 2020]), digitsIn([123456.7, 123456.9])], [4, 6, 9]);
  assert.equal(count(2334), "2\u202f334");
  assert.deepEqual(ticks(0, 10, 5), [0, 2, 4, 6, 8, 10]);
  assert.equal(nice(0.043), 0.05);
});

test("eigenvectors", () => {
  const H = [[5, 2], [2, 1]], { values, vectors } = eigen2(H);
  vectors.forEach((v, k) => close([H[0][0] * v[0] + H[0][1] * v[1], H[1][0] * v[0] + H[1][1] * v[1]], v.map(t => values[k] * t), 1e-14, "Hv = lv"));
});
