// The state of the page as text behind the # of its address, and back. Only what differs from the start is written.

const number = { write: String, read: text => (text !== "" && Number.isFinite(+text) ? +text : undefined) };
const whole = { write: String, read: text => (/^\d+$/.test(text) ? +text : undefined) };
const word = { write: String, read: text => text };
const list = { write: v => v.map(short).join(","), read: text => numbers(text) };
const pairs = {
  write: v => v.map(p => p.map(short).join(",")).join(";"),
  read: text => {
    const points = text.split(";").map(numbers);
    return points.length > 1 && points.every(p => p?.length === 2) ? points : undefined;
  },
};

/** How each entry of the state is written. Words that are not among the choices are not read. */
export const FORMS = {
  scene: word,
  data: word,
  pts: pairs,
  w: list,
  lit: whole,
  entry: word,
  method: word,
  ratePlace: number,
  step: whole,
  scale: word,
  reason: word,
  valleyRidge: whole,
  degree: whole,
  powersRidge: whole,
  outcomes: word,
  pass: whole,
  sigmoidRidge: whole,
  curve: word,
  curvePts: pairs,
  curvePass: whole,
  workSteps: whole,
  theme: word,
};

const short = v => Number(v.toPrecision(12));
const numbers = text => {
  const values = text.split(",").map(t => (t.trim() === "" ? NaN : Number(t)));
  return values.every(Number.isFinite) ? values : undefined;
};

/** Text for a state, beside the state at the start. */
export function encode(state, start) {
  const written = Object.keys(FORMS).filter(key => state[key] !== start[key] && state[key] !== null);
  return written.map(key => `${key}=${FORMS[key].write(state[key])}`).join("&");
}

/** What a text says of the state; what cannot be read is left out. */
export function decode(text) {
  const read = {};
  for (const part of text.replace(/^#/, "").split("&")) {
    const [key, value = ""] = part.split("=").map(safely);
    const got = Object.hasOwn(FORMS, key) ? FORMS[key].read(value) : undefined;
    if (got !== undefined) read[key] = got;
  }
  return read;
}

function safely(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return "";
  }
}
