// One message as the customer sees it.

import { el, icon } from "./dom.js";
import { marked, onlyEmoji } from "./markup.js";
import * as pieces from "./pieces.js";
import { clockTime } from "./times.js";

const TICKS = { sent: ["tick", "Sent"], delivered: ["ticks", "Delivered"], read: ["ticks", "Read"], played: ["ticks", "Played"], pending: ["clock", "Sending"] };
const KINDS = { image: "Picture", video: "Video", audio: "Voice message", document: "Document", sticker: "Sticker", location: "Location", contacts: "Contact" };

/** A message in a few words: for quotes, for screen readers, for the button to the newest. */
export function inWords(message) {
  return message.text || message.caption || message.media?.filename || message.location?.name || KINDS[message.type] || `A message of the kind “${message.type}”`;
}

/** `about`: {mine, first, quoted, quotedName, reactions, chosen: Set of ids and titles, act: {menu, reply, tap, goTo, again}}. */
export function bubble(message, about) {
  const { mine, act } = about;
  const names = ["bubble", mine ? "mine" : "theirs", about.first && "first", message.failed && "failed", plainSticker(message) && "bare"].filter(Boolean);
  const more = el("button.more", { type: "button", tabindex: "-1", "aria-label": "Message options", onclick: () => act.menu(message) }, icon("down"));
  const node = el(
    `div.${names.join(".")}`,
    { tabindex: "-1", "data-id": message.id, role: "article", "aria-label": `${mine ? "You" : about.business}: ${inWords(message)}, ${clockTime(message.when)}` },
    el("div.body", {}, quote(about), content(message), foot(message, mine)),
    pieces.buttons(message, about.chosen, (choice, title) => act.tap(message, choice, title)),
    pieces.list(message, about.chosen, (choice, title) => act.tap(message, choice, title)),
    more,
  );
  const line = el(`div.line.${mine ? "mine" : "theirs"}`, {}, node, chips(about.reactions), problem(message, act));
  swipe(node, () => act.reply(message));
  return line;
}

const plainSticker = (message) => message.type === "sticker" && message.media;

function quote({ quoted, quotedName, act }) {
  if (!quoted) return null;
  const go = () => act.goTo(quoted.id);
  return el("button.quoted", { type: "button", onclick: go, "aria-label": `Answers ${quotedName}: ${inWords(quoted)}` }, el("b", {}, quotedName), el("span", {}, inWords(quoted)));
}

function content(message) {
  const text = message.caption || message.text || "";
  const parts = [
    message.header && el("p.header", {}, message.header),
    pieces.media(message),
    message.location && pieces.place(message.location),
    ...contacts(message).map(pieces.card),
    text && el(`p.text${onlyEmoji(text) && !message.media ? ".emoji" : ""}`, {}, marked(text)),
    message.footer && el("p.footer", {}, message.footer),
  ].filter(Boolean);
  return parts.length ? parts : [el("p.text.unknown", {}, `A message of the kind “${message.type}”, which this phone cannot show`)];
}

function contacts(message) {
  if (!message.contact) return message.contacts ?? [];
  return Array.isArray(message.contact) ? message.contact : [message.contact];
}

function foot(message, mine) {
  return el("span.foot", {}, el("time", { datetime: message.when.toISOString() }, clockTime(message.when)), mine && ticks(message));
}

function ticks(message) {
  if (message.failed) return el("span.ticks.bad", { title: "Not sent" }, icon("alert"));
  const [sign, words] = TICKS[message.ticks] ?? TICKS.sent;
  return el(`span.ticks.${message.ticks ?? "sent"}`, { role: "img", "aria-label": words, title: words }, icon(sign));
}

function problem(message, act) {
  if (!message.failed) return null;
  const again = message.again && el("button.again", { type: "button", onclick: () => act.again(message) }, "Try again");
  return el("p.problem", {}, icon("alert"), el("span", {}, message.again ? `Not sent. ${message.failed} ` : `Did not arrive. ${message.failed}`, again));
}

function chips(reactions) {
  if (!reactions?.length) return null;
  return el("span.chips", { "aria-label": `Reactions: ${reactions.join(" ")}`, role: "img" }, [...new Set(reactions)].join(""));
}

const FAR = 56;

// A drag to the right answers the message, as on a phone; the finger may still scroll up and down.
function swipe(node, reply) {
  let start = null;
  let moved = 0;
  node.addEventListener("touchstart", ({ touches }) => (start = touches.length === 1 ? touches[0] : null), { passive: true });
  node.addEventListener(
    "touchmove",
    ({ touches }) => {
      if (!start) return;
      moved = touches[0].clientX - start.clientX;
      if (Math.abs(touches[0].clientY - start.clientY) > Math.abs(moved)) moved = 0;
      node.style.setProperty("--pull", `${Math.min(72, Math.max(0, moved))}px`);
    },
    { passive: true },
  );
  for (const event of ["touchend", "touchcancel"]) {
    node.addEventListener(event, () => {
      if (moved > FAR) reply();
      moved = 0;
      node.style.removeProperty("--pull");
    });
  }
}
