// What can be done with one message: react, answer, copy.

import { el, icon, toast } from "./dom.js";
import { inWords } from "./bubble.js";
import { closeSheet, sheet } from "./sheet.js";

const EMOJI = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

export function messageMenu(message, { reply, react }) {
  const after = (act) => () => {
    closeSheet();
    act();
  };
  const pick = (emoji) => el("button.sheet-action.emoji", { type: "button", "aria-label": `React with ${emoji}`, onclick: after(() => react(message, emoji)) }, emoji);
  const line = (sign, words, act) => el("button.row", { type: "button", onclick: after(act) }, el(`span.sign.${sign}`, {}, icon(sign)), el("b", {}, words));
  const told = !message.request; // still on its way: the sandbox knows no id to react to
  const content = el(
    "div.rows",
    {},
    el("p.about", {}, inWords(message)),
    told && el("div.emojis", {}, EMOJI.map(pick)),
    told && line("reply", "Reply", () => reply(message)),
    told && line("close", "Take my reaction back", () => react(message, "")),
    line("copy", "Copy text", () => copy(inWords(message))),
  );
  sheet("Message", content, { kind: "menu" });
}

function copy(words) {
  const done = navigator.clipboard?.writeText(words) ?? Promise.reject(new Error("no clipboard"));
  done.then(
    () => toast("Copied"),
    () => toast("The browser did not allow copying"),
  );
}
