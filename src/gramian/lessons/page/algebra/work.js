// What n columns cost: solving on the sums, and steps on the sums.

export const solving = n => n ** 3 / 3;
export const stepping = (n, steps) => 2 * steps * n ** 2;

/** Columns with which both cost the same. */
export const crossover = steps => 6 * steps;
