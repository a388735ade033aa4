// Sizes of pictures, read when they change and not at each drawing: that would make the browser lay out the page twice.
import { set } from "./state.js";

const sizes = new WeakMap();
const observer = new ResizeObserver(entries => {
  for (const { target } of entries) sizes.set(target, measured(target));
  set({});
});

const measured = svg => [svg.clientWidth, svg.clientHeight];

/** Width and height in pixels; of a picture that is not shown those that are given. */
export function sizeOf(svg, width, height) {
  if (!sizes.has(svg)) {
    sizes.set(svg, measured(svg));
    observer.observe(svg);
  }
  const [w, h] = sizes.get(svg);
  return [w || width, h || height];
}
