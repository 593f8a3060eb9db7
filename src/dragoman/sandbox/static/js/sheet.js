// Sheets that rise from the foot of the phone: lists, menus, forms, pictures. One at a time.

import { arrowKeys, el, find, icon, spot } from "./dom.js";

let open = null;

/** Show `content` under `title`; the rest of the phone is out of reach until it closes. Returns close(). */
export function sheet(title, content, { kind = "", focus = null } = {}) {
  closeSheet();
  const back = spot(document.activeElement);
  const closeButton = el("button.ghost", { type: "button", onclick: closeSheet, "aria-label": "Close" }, icon("close"));
  const box = el(
    `div.sheet${kind && `.${kind}`}`,
    { role: "dialog", "aria-modal": "true", "aria-label": title },
    el("header.sheet-top", {}, el("h2", {}, title), closeButton),
    content,
  );
  const cover = el("div.sheet-cover", { onclick: closeSheet });
  arrowKeys(box, ".row, .sheet-action");
  box.addEventListener("keydown", keepInside);
  open = { nodes: [cover, box], back };
  find("sheets").append(cover, box);
  find("screen").inert = true;
  (box.querySelector(focus ?? ".row, .sheet-action, input") ?? closeButton).focus();
  return closeSheet;
}

export function closeSheet() {
  if (!open) return;
  const { nodes, back } = open;
  open = null;
  nodes.forEach((node) => node.remove());
  find("screen").inert = false;
  back()?.focus({ preventScroll: true });
}

function keepInside(event) {
  if (event.key === "Escape") {
    event.stopPropagation();
    closeSheet();
  }
  if (event.key !== "Tab") return;
  const stops = [...event.currentTarget.querySelectorAll("button, a[href], input, select, textarea, video, audio")].filter((stop) => !stop.disabled);
  const edge = event.shiftKey ? stops[0] : stops.at(-1);
  if (document.activeElement !== edge) return;
  event.preventDefault();
  (event.shiftKey ? stops.at(-1) : stops[0]).focus();
}
