// A small vocabulary for building the page. Words only ever become text nodes, so nothing a message says can turn into markup.

const SVG = "http://www.w3.org/2000/svg";
const SPRITE = new URL("../icons.svg", import.meta.url).pathname;

export const find = (id) => document.getElementById(id);

/** `el("button.round.quiet", {type: "button", onclick: f}, "Words", child)`; false, null and undefined children are left out. */
export function el(spec, props = {}, ...children) {
  const [tag, ...classes] = spec.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  for (const [name, value] of Object.entries(props)) set(node, name, value);
  fill(node, ...children);
  return node;
}

function set(node, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (typeof value === "function") node.addEventListener(name.slice(2), value);
  else if (name === "value" || name === "checked") node[name] = value;
  else node.setAttribute(name, value === true ? "" : value);
}

export function fill(node, ...children) {
  node.replaceChildren(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function icon(name, more = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `icon ${more}`.trim());
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${SPRITE}#${name}`);
  svg.append(use);
  return svg;
}

/** Two letters and one of eight colours, always the same for the same name. */
export function avatar(name, more = "") {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const letters = words.length > 1 ? first(words[0]) + first(words.at(-1)) : first(words[0] ?? "?");
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 997;
  return el(`span.avatar.tint-${sum % 8}${more}`, { "aria-hidden": "true" }, letters.toUpperCase());
}

const first = (word) => [...word][0] ?? "";

export function announce(words) {
  find("announce").textContent = words;
}

/** A short notice at the foot of the phone, read aloud too. It leaves on its own. */
export function toast(words) {
  document.querySelector(".toast")?.remove();
  const node = el("div.toast", {}, words);
  node.addEventListener("animationend", () => node.remove());
  find("sheets").append(node);
  announce(words);
}

/** Remembers an element that has the focus; the result finds it again, or its twin if the message around it was drawn anew. */
export function spot(node) {
  const id = node?.closest?.("[data-id]")?.dataset.id;
  const same = (other) => other.textContent === node.textContent && other.className === node.className;
  return () => {
    if (node?.isConnected) return node;
    const bubble = id && document.querySelector(`[data-id="${CSS.escape(id)}"]`);
    return bubble ? ([...bubble.querySelectorAll("button, a")].find(same) ?? bubble) : null;
  };
}

/** Up and down (and Home, End) move the focus among the elements that `selector` finds inside `box`. */
export function arrowKeys(box, selector) {
  box.addEventListener("keydown", (event) => {
    const steps = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };
    if (!(event.key in steps) || event.target.matches("input, textarea, select")) return;
    const items = [...box.querySelectorAll(selector)];
    const here = items.indexOf(document.activeElement.closest(selector));
    if (here < 0) return;
    event.preventDefault();
    items[Math.min(items.length - 1, Math.max(0, here + steps[event.key]))].focus();
  });
}
