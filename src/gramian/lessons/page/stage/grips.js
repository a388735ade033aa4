// Two grips, with which the line is carried by hand.
import { num } from "../algebra/numbers.js";
import { clamp } from "../parts/axes.js";
import { drag, el, holdTouch, pool, put } from "../parts/dom.js";
import { pointer, set } from "../parts/state.js";

const INSET = 0.03; // of the width of the picture

export function grips(group, frame) {
  const ends = () => {
    const [low, high] = frame().x;
    return [low + (high - low) * INSET, high - (high - low) * INSET];
  };

  /** Bring end k of the line to the height y; the other end stays. */
  function carry(k, y) {
    const [a, b] = frame().picture.grips(),
      at = ends(),
      heights = at.map(x => a * x + b);
    heights[k] = y;
    const slope = (heights[1] - heights[0]) / (at[1] - at[0]);
    set({ w: [slope, heights[0] - slope * at[0]] });
  }

  function make(k) {
    const name = `${k ? "right" : "left"} end of the line`;
    const g = el("g", {
      class: "grip",
      tabindex: 0,
      role: "slider",
      "aria-orientation": "vertical",
      "aria-label": name,
    });
    el("circle", { class: "hit", r: 18 }, g);
    el("rect", { x: -5, y: -11, width: 10, height: 22, rx: 5 }, g);
    holdTouch(g);
    g.addEventListener("pointerdown", e => {
      g.focus({ preventScroll: true });
      pointer.dragging = true;
      drag(
        g,
        e,
        m => carry(k, frame().inverse(m)[1]),
        () => {
          pointer.dragging = false;
          set({});
        },
      );
    });
    g.addEventListener("keydown", e => {
      const sign = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1 }[e.key];
      if (!sign) return;
      e.preventDefault();
      const { picture, y } = frame(),
        [a, b] = picture.grips();
      carry(k, a * ends()[k] + b + (sign * (e.shiftKey ? 5 : 1) * (y[1] - y[0])) / 200);
    });
    return g;
  }

  return function draw() {
    const { picture, box, sx, sy } = frame(),
      children = pool(group, picture.grips ? 2 : 0, make);
    if (!picture.grips) return;
    const [a, b] = picture.grips();
    ends().forEach((x, k) => {
      const y = a * x + b;
      children[k].setAttribute("transform", `translate(${sx(x)} ${clamp(sy(y), box.t, box.b).toFixed(2)})`);
      put(children[k], { "aria-valuenow": y.toPrecision(5), "aria-valuetext": `height ${num(y)}` });
    });
  };
}
