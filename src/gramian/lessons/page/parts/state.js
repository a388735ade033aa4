// One state, which stands in the address. set() changes it and asks for one drawing in the next frame.
import { decode, encode } from "../algebra/address.js";
import { MOST } from "../algebra/paste.js";

const data = JSON.parse(document.getElementById("data").textContent);

/** Sets of points by key, in their order: { key, title, x, y, points }. */
export const SETS = new Map(data.sets.map(s => [s.key, s]));
/** What the sigmoid and the curves start with: { x, y, points }. */
export const OUTCOMES = data.outcomes;
export const CURVE_DATA = data.curve;

const first = data.sets[0];
const START = {
  scene: "cost",
  data: first.key,
  pts: first.points,
  w: null,
  lit: 7,
  entry: "xx",
  method: "gd",
  ratePlace: 0.55,
  step: 40,
  scale: "raw",
  reason: "copy",
  valleyRidge: 0,
  degree: 2,
  powersRidge: 0,
  outcomes: OUTCOMES.points.map(p => p[1]).join(""),
  pass: 0,
  sigmoidRidge: 0,
  curve: "tanh",
  curvePts: CURVE_DATA.points,
  curvePass: 0,
  workSteps: 100,
  theme: "",
};
const CHOICES = {
  data: [...SETS.keys()],
  entry: ["xx", "x1", "11", "xy", "1y"],
  method: ["gd", "best", "momentum", "cg"],
  scale: ["raw", "centred", "scaled"],
  reason: ["copy", "one"],
  curve: ["tanh", "arctan"],
  theme: ["", "light", "dark"],
};
const RANGES = {
  lit: [0, MOST],
  ratePlace: [0, 1],
  step: [0, 1e9],
  valleyRidge: [0, 100],
  degree: [1, 11],
  powersRidge: [0, 100],
  pass: [0, 100],
  sigmoidRidge: [0, 100],
  curvePass: [0, 100],
  workSteps: [1, 1e5],
};

export const state = { ...START };
/** Whether something is being dragged; axes wait until it is dropped. */
export const pointer = { dragging: false };

const listeners = [];
let queued = false,
  saving = 0;
export const onChange = f => listeners.push(f);

export function set(patch) {
  Object.assign(state, patch);
  if (queued) return;
  queued = true;
  requestAnimationFrame(() => {
    queued = false;
    for (const f of listeners) f(state);
    clearTimeout(saving);
    saving = setTimeout(() => history.replaceState(null, "", `#${address()}`), 250);
  });
}

/** The state as the text behind the #. */
export const address = () => encode(state, { ...START, pts: SETS.get(state.data).points });

/** Take the state from the address; what makes no sense is left as at the start. */
export function readAddress() {
  const read = decode(location.hash);
  for (const key in CHOICES) if (key in read && !CHOICES[key].includes(read[key])) delete read[key];
  for (const key in RANGES) if (read[key] < RANGES[key][0] || read[key] > RANGES[key][1]) delete read[key];
  if (read.outcomes?.length !== OUTCOMES.points.length || !/^[01]+$/.test(read.outcomes)) delete read.outcomes;
  if (read.w?.length !== 2) delete read.w;
  if (read.pts?.length > MOST) delete read.pts;
  Object.assign(state, START, { pts: SETS.get(read.data ?? START.data).points }, read);
}

/** Does the reader ask for less motion? */
export const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
