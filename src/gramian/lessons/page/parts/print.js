// On paper every scene gets the figure as it would stand beside it.
import { $ } from "./dom.js";
import { state } from "./state.js";

export function wirePrint(scenes, drawFor) {
  addEventListener("beforeprint", () => {
    const before = state.scene,
      svg = $("stage");
    for (const scene of scenes) {
      state.scene = scene.key;
      drawFor(scene);
      const slot = document.querySelector(`#${scene.key} .paper`);
      if (slot) slot.replaceChildren(copyOf(svg, scene.key));
    }
    state.scene = before;
    drawFor(scenes.find(s => s.key === before));
  });
  addEventListener("afterprint", () => {
    for (const slot of document.querySelectorAll(".paper")) slot.replaceChildren();
  });
}

function copyOf(svg, key) {
  const copy = svg.cloneNode(true);
  copy.removeAttribute("id");
  // Every copy clips by its own box.
  copy.innerHTML = copy.innerHTML.replaceAll(/(#|id=")inside\b/g, `$1inside-${key}`);
  copy.setAttribute("viewBox", `0 0 ${svg.clientWidth} ${svg.clientHeight}`);
  copy.setAttribute("aria-hidden", "true");
  return copy;
}
