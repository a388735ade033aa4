// Points from text, as it is copied from a table or typed: two numbers a line.

export const MOST = 200;

/** { points, problem }: the points of the text, or what is wrong with it. */
export function pointsOf(text) {
  const lines = text
      .split(/\r?\n/)
      .map(line => line.trim())
      .filter(Boolean),
    points = [];
  // A comma is a decimal mark only where something else separates the numbers.
  const decimalComma = lines.length > 0 && lines.every(line => /[;\t]/.test(line));
  for (const [k, line] of lines.entries()) {
    const fields = line
      .split(decimalComma ? /[;\t]+/ : /[;,\s]+/)
      .map(f => f.trim())
      .filter(Boolean);
    const numbers = fields.map(f => Number(decimalComma ? f.replace(",", ".") : f));
    if (numbers.length === 2 && numbers.every(Number.isFinite)) points.push(numbers);
    else if (k > 0 || numbers.some(Number.isFinite)) return wrong(`line ${k + 1}, “${line}”, is not two numbers`);
  }
  if (points.length < 2) return wrong("at least two lines with two numbers each are needed");
  if (points.length > MOST) return wrong(`${points.length} points are too many to look at; ${MOST} are the most`);
  return { points, problem: "" };
}

const wrong = problem => ({ points: null, problem });

export const textOf = points => points.map(p => p.join("\t")).join("\n");
