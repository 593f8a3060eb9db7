// The conversation on screen: keeps one element per message and touches only what changed.

import { announce, avatar, el, fill, find, spot } from "./dom.js";
import { bubble, inWords, ticks } from "./bubble.js";
import { welcome } from "./people.js";
import { dayKey, dayWords, moment } from "./times.js";
import { now, world } from "./world.js";

const kept = new Map(); // key → {mark, ticks, node}
const waiting = []; // sent from here, not yet told back by the sandbox
const shown = new Set(); // ids of messages that were on screen as waiting before
let messages = [];
let typing = false;
let begun = false;
let unseen = 0;
let stuck = true; // the newest message is in view, and should stay so
let act = {};

const box = () => find("chat");

export function startChat(actions) {
  act = { ...actions, goTo };
  box().addEventListener("scroll", scrolled);
  box().addEventListener("load", () => stuck && toEnd(), true);
  box().addEventListener("loadedmetadata", () => stuck && toEnd(), true);
  new ResizeObserver(() => stuck && toEnd()).observe(box());
  find("to-end").addEventListener("click", toEnd);
  box().addEventListener("keydown", walk);
}

/** Another person or number: forget what was on screen. */
export function clearChat() {
  kept.clear();
  waiting.length = 0;
  messages = [];
  typing = begun = false;
  fill(box());
  seenAll();
  if (!world.person) draw();
}

export function showChat(told) {
  const known = new Set(messages.map((message) => message.id));
  messages = told.messages.map((message) => ({ ...message, when: moment(message.at) }));
  typing = told.typing;
  const mine = messages.filter((message) => message.from === "person" && !known.has(message.id));
  settle(mine);
  const fresh = messages.filter((message) => !known.has(message.id) && message.from === "business" && !message.failed);
  draw();
  if (begun && fresh.length) arrived(fresh);
  begun = true;
}

// The stream may tell of our own message before the answer to its sending does: then it is known by what it says.
function settle(mine) {
  for (const pending of [...waiting]) {
    const same = (message) => (pending.told ? message.id === pending.told : message.type === pending.type && says(message) === says(pending));
    const at = pending.failed ? -1 : mine.findIndex(same);
    if (at >= 0) {
      shown.add(mine.splice(at, 1)[0].id);
      waiting.splice(waiting.indexOf(pending), 1);
    }
  }
}

const says = (message) => message.text || message.caption || message.location?.latitude || "";

/** A message on its way. Returns {sent(id), refused(why)}. */
export function addWaiting(message) {
  const pending = { ...message, id: `waiting-${performance.now()}`, from: "person", when: now(), ticks: "pending" };
  waiting.push(pending);
  draw();
  toEnd();
  return {
    sent: (id) => {
      pending.told = id;
      shown.add(id);
      if (messages.some((known) => known.id === id)) dropWaiting(pending);
    },
    refused: (why) => {
      Object.assign(pending, { failed: why, again: true });
      draw();
      announce(`Not sent. ${why}`);
    },
  };
}

export function dropWaiting(message) {
  const at = waiting.indexOf(message);
  if (at >= 0) waiting.splice(at, 1);
  draw();
}

function draw() {
  const wasAtEnd = stuck;
  const wanted = rows();
  const keys = new Set(wanted.map((row) => row.key));
  for (const key of [...kept.keys()]) if (!keys.has(key)) drop(key);
  let before = null;
  for (const row of wanted) before = put(row, before);
  rove();
  if (wasAtEnd) toEnd();
}

function rows() {
  if (!world.person) return [{ key: "welcome", mark: "", make: welcome }];
  const all = [...messages, ...waiting];
  const spoken = all.filter((message) => !isReaction(message));
  if (!spoken.length && !typing) return [{ key: "empty", mark: world.person.id, make: empty }];
  const out = [];
  let day = null;
  let from = null;
  for (const message of spoken) {
    if (dayKey(message.when) !== day) {
      day = dayKey(message.when);
      from = null;
      const words = dayWords(message.when, now());
      out.push({ key: `day-${day}`, mark: words, make: () => el("div.day", {}, el("span", {}, words)) });
    }
    out.push(message.type === "system" ? noticeOf(message) : rowOf(message, message.from !== from, all));
    from = message.type === "system" ? null : message.from;
  }
  if (typing) out.push({ key: "typing", mark: "", make: dots });
  return out;
}

const noticeOf = (message) => ({ key: message.id, mark: message.text, make: () => el("div.day", {}, el("span", {}, message.text)) });

function rowOf(message, first, all) {
  const mine = message.from === "person";
  const business = world.number?.name ?? "Business";
  const about = { mine, first, business, chosen: chosenOf(message, all), act };
  const mark = JSON.stringify([{ ...message, ticks: null }, first, [...about.chosen], business]);
  return { key: message.id, mark, ticks: mine && message.ticks, make: () => bubble(message, about), tick: () => ticks(message) };
}

const isReaction = (message) => message.type === "reaction"; // shown on the message it is about

/** The titles that the person has tapped under this message. */
function chosenOf(message, all) {
  if (!message.buttons?.length && !message.list) return new Set();
  return new Set(all.filter((other) => other.from === "person" && other.quoted?.id === message.id).map((other) => other.text));
}

function put(row, before) {
  const old = kept.get(row.key);
  let node = old?.node;
  if (!old || old.mark !== row.mark) {
    node = row.make();
    if (old) swap(old.node, node);
    else if (!shown.has(row.key)) node.classList.add("new");
  } else if (old.ticks !== row.ticks) node.querySelector(".ticks").replaceWith(row.tick());
  kept.set(row.key, { mark: row.mark, ticks: row.ticks, node });
  const place = before ? before.nextSibling : box().firstChild;
  if (node !== place) box().insertBefore(node, place);
  return node;
}

// A redrawn bubble keeps the focus that its predecessor had.
function swap(old, node) {
  const focused = old.contains(document.activeElement) && spot(document.activeElement);
  old.replaceWith(node);
  if (focused) focused()?.focus({ preventScroll: true });
}

function drop(key) {
  kept.get(key).node.remove();
  kept.delete(key);
}

function empty() {
  const name = world.number?.name ?? "the business";
  return el("div.empty", {}, avatar(name, ".large.business"), el("b", {}, "Nobody here yet: write the first message"), el("p", {}, `You are ${world.person.name}. Say hello to ${name}, and its agent will answer here.`));
}

const dots = () => el("div.line.theirs", {}, el("div.bubble.theirs.first.dots", { role: "img", "aria-label": "typing" }, el("i"), el("i"), el("i")));

const atEnd = () => box().scrollHeight - box().scrollTop - box().clientHeight < 60;

function toEnd() {
  stuck = true;
  box().scrollTop = box().scrollHeight;
  seenAll();
}

function seenAll() {
  unseen = 0;
  find("to-end").hidden = true;
}

function arrived(fresh) {
  const name = world.number?.name ?? "Business";
  announce(fresh.map((message) => `${name}: ${inWords(message)}`).join(". "));
  if (stuck) return;
  unseen += fresh.length;
  find("to-end").hidden = false;
  find("to-end-count").textContent = unseen;
}

function scrolled() {
  stuck = atEnd();
  if (stuck) seenAll();
  else find("to-end").hidden = false;
  find("to-end-count").textContent = unseen || "";
}

function goTo(id) {
  const node = kept.get(id)?.node.querySelector(".bubble");
  if (!node) return;
  node.scrollIntoView({ block: "center" });
  node.focus({ preventScroll: true });
  node.classList.remove("glow");
  void node.offsetWidth; // restarts the animation
  node.classList.add("glow");
}

const bubbles = () => [...box().querySelectorAll(".bubble[data-id]")];

// One tab stop for all messages; the arrow keys walk from there.
function rove() {
  const all = bubbles();
  const here = all.find((node) => node === document.activeElement) ?? all.at(-1);
  for (const node of all) node.tabIndex = node === here ? 0 : -1;
}

function walk(event) {
  const all = bubbles();
  const at = all.indexOf(event.target);
  if (at < 0) return;
  const to = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: all.length - 1 }[event.key];
  if (to !== undefined && all[to]) {
    event.preventDefault();
    all[at].tabIndex = -1;
    all[to].tabIndex = 0;
    all[to].focus();
  }
  if (event.key === "Enter") {
    event.preventDefault();
    all[at].querySelector(".more").click();
  }
}
