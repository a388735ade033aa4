// The walks of the descent scene: every method on the columns as the switch has them.
import {
  conjugateGradient,
  gradientDescent,
  momentum,
  predicted as predictedSteps,
  rescaled,
  stepsAtRate,
  walk,
} from "../algebra/descent.js";
import { memo } from "../parts/dom.js";

export const METHODS = ["gd", "best", "momentum", "cg"];
export const DIGITS = [2, 4, 8];
export const KEEP = 1000; // steps that are drawn
const MOST = 60000; // steps that are counted one by one

// Places on the slider. The best rate and the limit are often closer than a pixel, so the slider is straight in parts.
export const BEST = 0.7,
  LIMIT = 0.85;

/** The rate at a place: straight to the best rate, from there to the limit, and on to 12 % beyond. */
export function rateAt(place, { best, limit }) {
  if (place <= BEST) return (best * Math.max(place, 0.005)) / BEST;
  if (place <= LIMIT) return best + ((limit - best) * (place - BEST)) / (LIMIT - BEST);
  return limit * (1 + (0.12 * (place - LIMIT)) / (1 - LIMIT));
}

/** Columns between as they are (0), with x minus its mean (1), and divided by its standard deviation (2). */
export function scaledBy(fit, stage) {
  const deviation = Math.sqrt(fit.sxx / fit.rows);
  const shift = fit.xMean * Math.min(stage, 1),
    size = deviation ** Math.max(0, stage - 1);
  return { ...rescaled(fit, shift, size), shift, size };
}

/** Problem, rate and the walks of these methods. */
export const runsOf = memo((fit, stage, place, methods) => {
  const problem = scaledBy(fit, stage),
    rate = rateAt(place, problem),
    runs = {};
  for (const method of methods) runs[method] = run(method, problem, method === "gd" ? rate : problem.best);
  return { problem, rate, runs };
});

function run(method, problem, rate) {
  const { H, c, w, eigen } = problem,
    predicted = DIGITS.map(d => predictedSteps[method](d, eigen, rate));
  if (method === "momentum") return { ...walk(momentum(H, c, problem), w, DIGITS, KEEP, MOST), predicted };
  if (method === "cg") return { ...walk(conjugateGradient(H, c), w, DIGITS, KEEP, MOST), predicted };
  // A fixed rate may need millions of steps: they are counted by the closed form of the error, and walked to be drawn.
  const { path } = walk(gradientDescent(H, c, rate), w, DIGITS, KEEP, KEEP);
  return { path, counts: stepsAtRate(H, w, eigen, DIGITS, rate), predicted };
}
