// One message as the customer sees it.

import { el, icon } from "./dom.js";
import { fingers } from "./fingers.js";
import { marked, onlyEmoji, plain } from "./markup.js";
import * as pieces from "./pieces.js";
import { clockTime } from "./times.js";

const TICKS = { sent: ["tick", "Sent"], delivered: ["ticks", "Delivered"], read: ["ticks", "Read"], played: ["ticks", "Played"], pending: ["clock", "Sending"] };
const KINDS = { image: "Picture", video: "Video", audio: "Voice message", document: "Document", sticker: "Sticker", location: "Location", contacts: "Contact" };

/** A message in a few words: for quotes, for screen readers, for the button to the newest. */
export function inWords(message) {
  return plain(message.text || message.caption || "") || message.media?.filename || message.location?.name || KINDS[message.type] || `A message of the kind “${message.type}”`;
}

/** `about`: {mine, first, business, chosen: Set of titles, act: {menu, reply, tap, goTo, again}}. */
export function bubble(message, about) {
  const { mine, act } = about;
  const names = ["bubble", mine ? "mine" : "theirs", about.first && "first", message.failed && "failed", plainSticker(message) && "bare"].filter(Boolean);
  const more = el("button.more", { type: "button", tabindex: "-1", "aria-label": "Message options", onclick: () => act.menu(message) }, icon("down"));
  const node = el(
    `div.${names.join(".")}`,
    { tabindex: "-1", "data-id": message.id, role: "article", "aria-label": `${mine ? "You" : about.business}: ${inWords(message)}, ${clockTime(message.when)}` },
    el("div.body", {}, quote(message, about), content(message, foot(message, mine))),
    pieces.buttons(message, about.chosen, (choice, title) => act.tap(message, choice, title)),
    pieces.list(message, about.chosen, (choice, title) => act.tap(message, choice, title)),
    more,
  );
  const line = el(`div.line.${mine ? "mine" : "theirs"}`, {}, node, chip(message), problem(message, act));
  fingers(node, { swiped: () => act.reply(message), held: () => act.menu(message) });
  return line;
}

const plainSticker = (message) => message.type === "sticker" && message.media;

function quote({ quoted }, { business, act }) {
  if (!quoted) return null;
  const name = quoted.from === "person" ? "You" : business;
  const words = plain(quoted.text);
  const go = () => act.goTo(quoted.id);
  return el("button.quoted", { type: "button", onclick: go, "aria-label": `Answers ${name}: ${words}` }, el("b", {}, name), el("span", {}, words));
}

// The time sits after the last word when there is room for it on that line.
function content(message, foot) {
  const text = message.caption || message.text || "";
  const parts = [
    message.header && el("p.header", {}, message.header),
    pieces.media(message),
    message.location && pieces.place(message.location),
    message.contact && pieces.card(message.contact),
    text && el(`p.text${isLarge(text, message) ? ".emoji" : ""}`, {}, marked(text)),
    message.footer && el("p.footer", {}, message.footer),
  ].filter(Boolean);
  if (!parts.length) parts.push(el("p.text.unknown", {}, `A message of the kind “${message.type}”, which this phone cannot show`));
  const last = parts.at(-1);
  if (last.matches("p:not(.emoji)")) last.append(foot);
  else parts.push(foot);
  return parts;
}

const isLarge = (text, message) => !message.media && onlyEmoji(text);

function foot(message, mine) {
  return el("span.foot", {}, message.staff && el("span", { title: "Written by a person in the Business app" }, "staff"), el("time", { datetime: message.when.toISOString() }, clockTime(message.when)), mine && ticks(message));
}

/** The mark of how far an own message has come. */
export function ticks(message) {
  if (message.failed) return el("span.ticks.bad", { title: "Not sent" }, icon("alert"));
  const [sign, words] = TICKS[message.ticks] ?? TICKS.sent;
  return el(`span.ticks.${message.ticks ?? "sent"}`, { role: "img", "aria-label": words, title: words }, icon(sign));
}

function problem(message, act) {
  if (!message.failed) return null;
  const again = message.again && el("button.again", { type: "button", onclick: () => act.again(message) }, "Try again");
  return el("p.problem", {}, icon("alert"), el("span", {}, message.again ? `Not sent. ${message.failed} ` : `Did not arrive. ${message.failed}`, again));
}

function chip({ reaction }) {
  return reaction && el("span.reaction", { "aria-label": `Reaction: ${reaction}`, role: "img" }, reaction);
}
