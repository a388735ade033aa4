// The points of the figure: dragged, moved by keys, added and removed, or turned over where they are outcomes.
import { num } from "../algebra/numbers.js";
import { clamp } from "../parts/axes.js";
import { drag, el, holdTouch, pool } from "../parts/dom.js";
import { pointer, set, state } from "../parts/state.js";

const DOUBLE_CLICK = 700; // ms; the second click of two that add a point does not remove it

/** group: of the dots. frame(): the picture and its scales as they are now. */
export function dots(group, frame) {
  let added = -DOUBLE_CLICK; // when a point was added
  const focus = i =>
    requestAnimationFrame(() => group.childNodes[clamp(i, 0, group.childNodes.length - 1)]?.focus());

  function make() {
    const g = el("g", { class: "dot", role: "button", "aria-roledescription": "point" });
    el("circle", { class: "hit", r: 17 }, g);
    el("circle", { class: "mark", r: 6.5 }, g);
    holdTouch(g);
    const index = () => [...group.childNodes].indexOf(g);
    g.addEventListener("pointerdown", e => press(g, index(), e));
    g.addEventListener("pointerenter", () => {
      if (!pointer.dragging) set({ lit: index() });
    });
    g.addEventListener("focus", () => set({ lit: index() }));
    g.addEventListener("dblclick", () => {
      if (performance.now() - added > DOUBLE_CLICK) remove(index(), false);
    });
    g.addEventListener("keydown", e => key(index(), e));
    return g;
  }

  function press(g, i, e) {
    const { edit } = frame().picture;
    g.focus({ preventScroll: true });
    set({ lit: i });
    if (edit.flip) return edit.flip(i);
    pointer.dragging = true;
    drag(
      g,
      e,
      m => {
        const { inverse, x, y } = frame(),
          [u, v] = inverse(m);
        move(i, clamp(u, ...x), clamp(v, ...y));
      },
      () => {
        pointer.dragging = false;
        set({});
      },
    );
  }

  function key(i, e) {
    const { picture } = frame(),
      { edit, points } = picture,
      n = points.length;
    const arrow = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[e.key];
    const actions = {
      n: () => focus((i + 1) % n),
      p: () => focus((i + n - 1) % n),
      a: () => add(edit.at?.(i) ?? points[i], true),
      Delete: () => remove(i, true),
      Backspace: () => remove(i, true),
      Enter: () => edit.flip?.(i),
      " ": () => edit.flip?.(i),
    };
    if (arrow && edit.move) {
      const big = e.shiftKey ? 10 : 1,
        [dx, dy] = steps();
      const [u, v] = edit.at(i);
      move(i, u + arrow[0] * dx * big, v + arrow[1] * dy * big);
    } else if (actions[e.key] && !e.ctrlKey && !e.metaKey) actions[e.key]();
    else return;
    e.preventDefault();
  }

  const stepOf = ([low, high]) => {
    const raw = (high - low) / 150,
      power = 10 ** Math.floor(Math.log10(raw));
    return [1, 2, 5, 10].find(s => s * power >= raw) * power;
  };
  const steps = () => [stepOf(frame().x), stepOf(frame().y)];
  const snapped = (u, v) => [u, v].map((t, k) => Number((Math.round(t / steps()[k]) * steps()[k]).toPrecision(10)));
  const move = (i, u, v) => frame().picture.edit.move(i, snapped(u, v));

  function add([u, v], focused) {
    const { edit, points } = frame().picture;
    if (!edit.add) return;
    added = performance.now();
    edit.add(snapped(focused ? u + 8 * steps()[0] : u, v));
    if (focused) focus(points.length);
  }
  function remove(i, focused) {
    const { edit } = frame().picture;
    if (!edit.remove) return;
    edit.remove(i);
    if (focused) focus(Math.max(0, i - 1));
  }

  function draw() {
    const { picture, sx, sy } = frame(),
      { points, radius, dim } = picture;
    const lit = Math.min(state.lit, points.length - 1),
      children = pool(group, points.length, make);
    points.forEach(([x, y], i) => {
      const g = children[i];
      g.setAttribute("transform", `translate(${sx(x).toFixed(2)} ${sy(y).toFixed(2)})`);
      g.setAttribute("class", `dot${i === lit ? " lit" : ""}${radius ? " weighed" : ""}${dim?.(i) ? " dim" : ""}`);
      g.setAttribute("tabindex", i === lit ? 0 : -1);
      g.setAttribute("aria-label", `${i + 1} of ${points.length}: x ${num(x, 6)}, y ${num(y, 6)}`);
      Object.assign(g.dataset, { x, y });
      g.lastChild.setAttribute("r", radius ? radius(i).toFixed(2) : 6.5);
    });
  }
  return { draw, add, remove };
}
