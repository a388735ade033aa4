// Scene: X, X'X, X'y, determinant, inverse and w, live, with the row of the lit point in every sum.
import { num, sum } from "../algebra/numbers.js";
import { $, show, shown } from "../parts/dom.js";
import { edits, fitOf, litRow, pictureOfLine } from "../parts/line_picture.js";
import { column, inverse, lines, math, matrix, mi, mn, mo, msum, Xt, XtX } from "../parts/mathml.js";
import { set, state } from "../parts/state.js";

export const matricesScene = { key: "matrices", wire, picture, draw, say };

/** What is multiplied in each entry, and the columns of the table that hold it. */
const FACTORS = { xx: ["x", "x"], x1: ["x", "1"], 11: ["1", "1"], xy: ["x", "y"], "1y": ["1", "y"] };
const COLUMN = { x: 1, 1: 2, y: 3 },
  CLASS = { x: "ca", 1: "cb", y: "cy" };
const LETTER = { x: '<i class="ca">x</i>', 1: '<b class="cb">1</b>', y: '<i class="cy">y</i>' };
const part = (name, [x, y]) => ({ x, 1: 1, y })[name];

const entries = () => document.querySelectorAll("#matrices [data-entry]");

function wire() {
  const light = e => {
    const row = e.target.closest("[data-row]");
    if (row) set({ lit: +row.dataset.row });
  };
  for (const id of ["matrices-rows", "matrices-sum"]) {
    $(id).addEventListener("pointerover", light);
    $(id).addEventListener("click", light);
  }
  for (const b of entries()) b.onclick = b.onfocus = b.onpointerenter = () => set({ entry: b.dataset.entry });
  for (const [k, id] of ["row-x", "row-y"].entries()) {
    $(id).oninput = e => {
      const p = [...state.pts[litRow()]];
      p[k] = e.target.valueAsNumber;
      if (Number.isFinite(p[k])) edits.move(litRow(), p);
    };
  }
  $("row-back").onclick = () => set({ lit: (litRow() + state.pts.length - 1) % state.pts.length });
  $("row-next").onclick = () => set({ lit: (litRow() + 1) % state.pts.length });
}

function picture() {
  return pictureOfLine(fitOf(state.pts).w, "the best line", { edit: edits });
}

function draw() {
  const fit = fitOf(state.pts),
    lit = litRow(),
    point = state.pts[lit];
  drawTable(lit);
  drawEntries(fit, point);
  show($("matrices-which"), "lit-row", lit + 1, lit + 1);
  for (const [k, id] of ["row-x", "row-y"].entries()) {
    if (document.activeElement !== $(id)) $(id).value = point[k];
  }
  drawSum(fit, lit);
  drawDeterminant(fit);
  $("matrices-none").hidden = !fit.singular;
  for (const id of ["matrices-inverse", "matrices-w"]) $(id).hidden = fit.singular;
  if (!fit.singular) drawSolution(fit);
}

function drawDeterminant(fit) {
  const products = [
    msum("xx", fit.xx),
    mo("·"),
    msum("11", fit.rows),
    mo("−"),
    msum("x1", fit.x),
    mo("·"),
    msum("x1", fit.x),
  ];
  const value = msum("determinant", fit.determinant, "strong");
  $("matrices-determinant").innerHTML = math(`${mi("det")}${XtX}${mo("=")}${products.join("")}${mo("=")}${value}`);
}

function drawTable(lit) {
  const body = $("matrices-rows"),
    used = FACTORS[state.entry].map(name => COLUMN[name]),
    { pts } = state;
  if (body.rows.length !== pts.length) {
    body.innerHTML = pts
      .map(
        (_, i) =>
          `<tr data-row="${i}"><th scope="row">${i + 1}</th>` +
          '<td class="ca"></td><td class="cb">1</td><td class="cy"></td></tr>',
      )
      .join("");
  }
  [...body.rows].forEach((row, i) => {
    row.classList.toggle("lit", i === lit);
    show(row.cells[1], `x-${i}`, pts[i][0], num(pts[i][0], 6));
    show(row.cells[3], `y-${i}`, pts[i][1], num(pts[i][1], 6));
    for (const k of [1, 2, 3]) row.cells[k].classList.toggle("in", used.includes(k));
  });
  if (lit !== brought) bringIntoSight(body.rows[(brought = lit)], body.parentElement.parentElement);
}

let brought = -1; // the row that the table was scrolled to; to ask where it stands makes the browser lay out the page

function bringIntoSight(row, box) {
  if (row.offsetTop < box.scrollTop || row.offsetTop + row.offsetHeight > box.scrollTop + box.clientHeight) {
    box.scrollTop = row.offsetTop - box.clientHeight / 2;
  }
}

const totalsOf = fit => ({ xx: fit.xx, x1: fit.x, 11: fit.rows, xy: fit.xy, "1y": fit.y });

function drawEntries(fit, [x, y]) {
  const totals = totalsOf(fit);
  for (const b of entries()) {
    show(b, b.dataset.entry, totals[b.dataset.entry], sum(totals[b.dataset.entry]));
    b.setAttribute("aria-pressed", b.dataset.entry === state.entry);
  }
  const own = { xx: x * x, x1: x, 11: 1, xy: x * y, "1y": y };
  for (const b of document.querySelectorAll("#matrices [data-own]")) {
    show(b, `row-${b.dataset.own}`, own[b.dataset.own], sum(own[b.dataset.own]));
    b.classList.toggle("on", b.dataset.own === state.entry);
  }
}

function drawSum(fit, lit) {
  const [p, q] = FACTORS[state.entry],
    total = totalsOf(fit)[state.entry];
  const factor = (name, point) => `<span class="${CLASS[name]}">${num(part(name, point), 6)}</span>`;
  const terms = state.pts.map(
    (t, i) => `<span class="term${i === lit ? " lit" : ""}" data-row="${i}">${factor(p, t)}·${factor(q, t)}</span>`,
  );
  const head = `<span class="head">the sum of ${LETTER[p]} · ${LETTER[q]}</span>`;
  $("matrices-sum").innerHTML =
    `${head} ${terms.join(" + ")} <span class="total">= ${shown("span", state.entry, total, sum(total))}</span>`;
}

function drawSolution(fit) {
  const adjugate = [
    [msum("11", fit.rows), msum("-x1", -fit.x)],
    [msum("-x1", -fit.x), msum("xx", fit.xx)],
  ];
  const entry = (i, j) => mn(`inverse-${i}${j}`, fit.inverse[i][j], 5);
  const share = `<mfrac><mn>1</mn>${msum("determinant", fit.determinant)}</mfrac>`;
  const numbers = matrix([0, 1].map(i => [entry(i, 0), entry(i, 1)]));
  $("matrices-inverse").innerHTML = lines([inverse(XtX) + mo("=") + share + matrix(adjugate), mo("=") + numbers]);
  $("matrices-w").innerHTML = math(
    `${mi("w")}${mo("=")}${inverse(XtX)}${Xt}${mi("y", "cy")}${mo("=")}` +
      column([mn("w-a", fit.w[0], 7, "ca strong"), mn("w-b", fit.w[1], 9, "cb strong")]),
  );
}

function say() {
  const fit = fitOf(state.pts),
    i = litRow(),
    [x, y] = state.pts[i];
  const solution = fit.singular ? "there is no inverse" : `slope ${num(fit.w[0])}, height ${num(fit.w[1])}`;
  return (
    `Row ${i + 1}: x ${num(x, 6)}, y ${num(y, 6)}. X'X: ${sum(fit.xx)}, ${sum(fit.x)}, ${fit.rows}. ` +
    `X'y: ${sum(fit.xy)}, ${sum(fit.y)}. Determinant ${sum(fit.determinant)}; ${solution}.`
  );
}
