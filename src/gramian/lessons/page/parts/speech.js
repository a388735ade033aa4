// What a screen reader says: the scene in words, a moment after the last change, and beside each picture.
import { $ } from "./dom.js";

const PAUSE = 600; // ms
let waiting = 0;

export function speak(scene) {
  clearTimeout(waiting);
  waiting = setTimeout(() => {
    const words = scene.say();
    if ($("live").textContent !== words) $("live").textContent = words;
    describe(scene);
  }, PAUSE);
}

/** The words of a scene as the name of its picture. */
export function describe(scene) {
  const picture = document.querySelector(`#${scene.key} svg[data-what]`);
  if (picture) picture.setAttribute("aria-label", `${picture.dataset.what}. ${scene.say()}`);
}
