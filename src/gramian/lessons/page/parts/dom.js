// Elements of the page and of its pictures.

export const $ = id => document.getElementById(id);

const SVG = "http://www.w3.org/2000/svg";

export function el(name, attributes = {}, parent = null) {
  const e = put(document.createElementNS(SVG, name), attributes);
  if (parent) parent.append(e);
  return e;
}

export function put(e, attributes) {
  for (const key in attributes) e.setAttribute(key, attributes[key]);
  return e;
}

/** Exactly n children of a group, made by make() where there are fewer. */
export function pool(group, n, make) {
  while (group.childNodes.length < n) group.append(make(group.childNodes.length));
  while (group.childNodes.length > n) group.lastChild.remove();
  return group.childNodes;
}

/** Write a number: rounded as text, and with all its digits as data-value, under the name data-number. */
export function show(e, name, value, text) {
  if (e.dataset.value === String(value) && e.dataset.number === name) return;
  e.textContent = text;
  Object.assign(e.dataset, { number: name, value: String(value) });
}

/** The same as markup. */
export const shown = (tag, name, value, text, cls = "") =>
  `<${tag}${cls && ` class="${cls}"`} data-number="${name}" data-value="${value}">${text}</${tag}>`;

/** Press those of a group of buttons that stand for a value. */
export function press(attribute, value) {
  for (const b of document.querySelectorAll(`[data-${attribute}]`)) {
    b.setAttribute("aria-pressed", b.dataset[attribute] === value);
  }
}

/** Text of a picture as markup. */
export const label = (x, y, words, cls = "num", anchor = "start") =>
  `<text class="${cls}" x="${x}" y="${y}" text-anchor="${anchor}">${words}</text>`;

/** Names are of the data, so they are text and never markup. */
export const escaped = text => text.replace(/[&<>"]/g, c => `&#${c.charCodeAt(0)};`);

/** A finger on this element drags it, and does not scroll the page; touch-action alone does not hold in pictures. */
export const holdTouch = e => e.addEventListener("touchstart", touch => touch.preventDefault(), { passive: false });

/** Follow a pointer from its press on an element to its release. */
export function drag(element, e, move, end) {
  e.preventDefault();
  element.setPointerCapture(e.pointerId);
  const stop = () => {
    element.removeEventListener("pointermove", move);
    for (const name of ["pointerup", "pointercancel"]) element.removeEventListener(name, stop);
    end();
  };
  element.addEventListener("pointermove", move);
  for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, stop);
}

/** Runs fn when one of its arguments is another than the last time. */
export function memo(fn) {
  let last = null,
    value;
  return (...given) => {
    if (!last || given.some((v, i) => v !== last[i])) value = fn(...(last = given));
    return value;
  };
}
