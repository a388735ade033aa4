// The link that carries the points, and the theme.
import { $ } from "./dom.js";
import { address, set, state } from "./state.js";

export function wireShare() {
  for (const b of document.querySelectorAll("[data-link]")) b.onclick = copy;
  $("link-close").onclick = () => {
    $("link").hidden = true;
  };
  $("theme").onclick = () => {
    const dark = state.theme ? state.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    set({ theme: dark ? "light" : "dark" });
  };
}

async function copy() {
  history.replaceState(null, "", `#${address()}`);
  const field = $("link-text"),
    status = $("link-status");
  field.value = location.href;
  let done = false;
  try {
    await navigator.clipboard.writeText(location.href);
    done = true;
  } catch {
    // A page from a file, or without permission: the link is there to be copied by hand.
  }
  $("link").hidden = false;
  status.textContent = `${done ? "The link is copied." : "Copy this link."} Whoever opens it sees what you see.`;
  field.focus();
  field.select();
}
