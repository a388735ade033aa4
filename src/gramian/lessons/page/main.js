// Puts the page together: one drawing for each change, of what is on the screen.
import { $ } from "./parts/dom.js";
import { wirePrint } from "./parts/print.js";
import { wireShare } from "./parts/share.js";
import { describe, speak } from "./parts/speech.js";
import { calm, onChange, readAddress, set, state } from "./parts/state.js";
import { costScene } from "./scenes/cost.js";
import { curvesScene } from "./scenes/curves.js";
import { descentScene } from "./scenes/descent.js";
import { matricesScene } from "./scenes/matrices.js";
import { minimumScene } from "./scenes/minimum.js";
import { powersScene } from "./scenes/powers.js";
import { sigmoidScene } from "./scenes/sigmoid.js";
import { valleyScene } from "./scenes/valley.js";
import { workScene } from "./scenes/work.js";
import { stage as makeStage } from "./stage/stage.js";

const scenes = [
  costScene,
  matricesScene,
  minimumScene,
  descentScene,
  valleyScene,
  powersScene,
  sigmoidScene,
  curvesScene,
  workScene,
];
const byKey = new Map(scenes.map(s => [s.key, s])),
  visible = new Set(["cost"]),
  stage = makeStage($("stage"));
const times = (window.drawTimes = []); // ms of the last drawings, for whoever wants to know
let pictured = costScene,
  started = false;

function draw() {
  const began = performance.now(),
    active = byKey.get(state.scene);
  document.documentElement.dataset.theme = state.theme || "auto";
  if (active.picture) pictured = active;
  stage.draw(pictured.picture());
  for (const key of visible) byKey.get(key).draw();
  for (const a of document.querySelectorAll("nav a")) {
    if (a.dataset.to === state.scene) a.setAttribute("aria-current", "true");
    else a.removeAttribute("aria-current");
  }
  speak(active);
  if (times.push(performance.now() - began) > 500) times.shift();
}

function goTo(key, behavior) {
  if (key === "cost") scrollTo({ top: 0, behavior });
  else $(key).scrollIntoView({ block: "start", behavior });
}

function load() {
  started = false;
  readAddress();
  if (!byKey.has(state.scene)) state.scene = "cost";
  descentScene.load();
  // All scenes once, so that each has its height before anybody goes to one; but what is seen is painted first.
  const drawAll = () => scenes.forEach(scene => scene.draw());
  if (state.scene === "cost") requestAnimationFrame(() => setTimeout(drawAll));
  else drawAll();
  draw();
  if (state.scene !== "cost") goTo(state.scene, "instant");
  // Once more when the page has its layout; from then on the scene is the one that the reader scrolls to.
  requestAnimationFrame(() =>
    requestAnimationFrame(() => {
      if (state.scene !== "cost") goTo(state.scene, "instant");
      started = true;
      set({});
    }),
  );
}

for (const scene of scenes) scene.wire(stage);
wireShare();
wirePrint(scenes, scene => {
  scene.draw();
  if (scene.picture) stage.draw(scene.picture(), true);
});
for (const a of document.querySelectorAll("nav a")) {
  a.onclick = e => {
    e.preventDefault();
    goTo(a.dataset.to, calm() ? "instant" : "smooth");
  };
}
const watch = (margin, then) => {
  const observer = new IntersectionObserver(entries => entries.forEach(then), { rootMargin: margin });
  for (const scene of scenes) observer.observe($(scene.key));
};
watch("200px 0px", e => {
  visible[e.isIntersecting ? "add" : "delete"](e.target.id);
  if (e.isIntersecting) describe(byKey.get(e.target.id));
  set({});
});
watch("-55% 0px -44% 0px", e => {
  if (e.isIntersecting && started) set({ scene: e.target.id });
});
addEventListener("hashchange", load);
onChange(draw);
load();
