// A quadratic cost seen from above: rings of (w - w*)'H(w - w*), exact.
import { eigen2 } from "../algebra/line.js";
import { axes, clamp, rectOf, scales } from "./axes.js";
import { el, put } from "./dom.js";

const FAR = 3e4; // pixels; what is farther away is drawn there
const CORNERS = 96;
const FLAT = 1e-10; // a level floor is drawn as a very long valley

let serial = 0;

export function bowl(svg) {
  const id = `bowl${serial++}`,
    clip = el("rect", {}, el("clipPath", { id }, svg));
  const ground = el("rect", { class: "ground" }, svg),
    inside = el("g", { "clip-path": `url(#${id})` }, svg);
  const rings = el("g", { class: "rings" }, inside),
    under = el("g", {}, inside);
  const frame = el("g", { class: "axes" }, svg),
    over = el("g", { class: "halo" }, svg);
  const self = { svg, under, over };

  /** view = { x, y }: ranges. equal: as many pixels for a unit on both axes, about the middle of the view. */
  self.place = (box, view, equal, labels) => {
    const { x, y } = equal ? withEqualUnits(box, view) : view;
    Object.assign(self, scales(svg, box, x, y));
    for (const e of [clip, ground]) put(e, rectOf(box));
    frame.innerHTML = axes(self, labels);
  };

  /** n rings about w at costs top (j / n)^2 above the lowest: evenly spaced. */
  self.contours = (H, w, top, n) => {
    const { values, vectors } = eigen2(H),
      low = Math.max(values[0], values[1] * FLAT);
    const half = [Math.sqrt(top / low), Math.sqrt(top / values[1])];
    const corner = (share, angle) => {
      const u = share * half[0] * Math.cos(angle),
        v = share * half[1] * Math.sin(angle);
      const a = w[0] + u * vectors[0][0] + v * vectors[1][0],
        b = w[1] + u * vectors[0][1] + v * vectors[1][1];
      return `${clamp(self.sx(a), -FAR, FAR).toFixed(1)} ${clamp(self.sy(b), -FAR, FAR).toFixed(1)}`;
    };
    const ring = share =>
      `<path d="M${Array.from({ length: CORNERS }, (_, i) => corner(share, (i / CORNERS) * 2 * Math.PI)).join(
        "L",
      )}Z"/>`;
    rings.innerHTML = Array.from({ length: n }, (_, j) => ring((n - j) / n)).join("");
  };

  /** The line p a + q b = r, across the whole picture. */
  self.across = ([p, q], r) => {
    const { x, y, sx, sy } = self;
    const steep = Math.abs(p) * (x[1] - x[0]) >= Math.abs(q) * (y[1] - y[0]);
    const ends = steep ? y.map(b => [(r - q * b) / p, b]) : x.map(a => [a, (r - p * a) / q]);
    return `M${ends.map(([a, b]) => `${sx(a)} ${sy(b)}`).join("L")}`;
  };

  /** Its two ends in the picture, in pixels, the upper one first, a little way inside. */
  self.ends = ([p, q], r) => {
    const { x, y, sx, sy } = self,
      ends = [];
    if (q) ends.push(...x.map(a => [a, (r - p * a) / q]).filter(([, b]) => b >= y[0] && b <= y[1]));
    if (p) ends.push(...y.map(b => [(r - q * b) / p, b]).filter(([a]) => a >= x[0] && a <= x[1]));
    const sorted = ends.sort((u, v) => v[1] - u[1]).map(([a, b]) => [sx(a), sy(b)]);
    if (!sorted.length) return [[self.box.l, self.box.t]]; // it does not pass through the picture
    const one = sorted[0],
      two = sorted.at(-1);
    const length = Math.hypot(two[0] - one[0], two[1] - one[1]) || 1,
      inset = Math.min(26, length / 4) / length;
    return [
      [one, two],
      [two, one],
    ].map(([from, to]) => from.map((v, k) => v + (to[k] - v) * inset));
  };

  self.cross = ([a, b], size = 7) =>
    `<path class="low" d="M${self.sx(a) - size} ${self.sy(b)}h${2 * size}m${-size} ${-size}v${2 * size}"/>`;
  return self;
}

function withEqualUnits(box, { x, y }) {
  const w = box.r - box.l,
    h = box.b - box.t;
  const unit = Math.min(w / (x[1] - x[0]), h / (y[1] - y[0])),
    a = (x[0] + x[1]) / 2,
    b = (y[0] + y[1]) / 2;
  return { x: [a - w / unit / 2, a + w / unit / 2], y: [b - h / unit / 2, b + h / unit / 2] };
}
