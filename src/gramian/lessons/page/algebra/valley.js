// Two coefficients and one equation u'w = r: a valley with a level floor, and ridge that bends it up.

/** The column of x twice: two slopes, of which only the sum counts; the height is at its best for each. */
export function sameColumnTwice(fit) {
  const length = Math.sqrt(fit.sxx);
  return { u: [length, length], r: length * fit.w[0] };
}

/** One point only: its row (x, 1) is all there is of X, for the slope and the height. */
export const oneRow = ([x, y]) => ({ u: [x, 1], r: y });

/** H = uu' + ridge I; its determinant; the lowest w, which without ridge is the shortest; and the shortest. */
export function valley({ u, r }, ridge) {
  const size = u[0] ** 2 + u[1] ** 2;
  const at = t => [(t * u[0] * r) / (size + t * ridge), (t * u[1] * r) / (size + t * ridge)];
  const shortest = [(u[0] * r) / size, (u[1] * r) / size];
  return {
    u,
    r,
    ridge,
    shortest,
    H: [
      [u[0] ** 2 + ridge, u[0] * u[1]],
      [u[0] * u[1], u[1] ** 2 + ridge],
    ],
    c: [u[0] * r, u[1] * r],
    determinant: ridge * (ridge + size),
    w: ridge ? at(1) : shortest,
  };
}
