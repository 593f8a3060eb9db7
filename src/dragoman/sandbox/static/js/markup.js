// WhatsApp's text marks become elements. Everything is built from text nodes; no string is ever parsed as HTML.

import { el } from "./dom.js";

const MARKS = { "*": "strong", "_": "em", "~": "s" };
const LINK = /\b(?:https?:\/\/|www\.)[^\s<>"'`]+/gi;
const ONLY_EMOJI = /^(?:\p{Extended_Pictographic}(?:\uFE0F|\u200D\p{Extended_Pictographic}|\p{Emoji_Modifier})*\s?){1,3}$/u;

export const onlyEmoji = (text) => ONLY_EMOJI.test(text.trim());

/** The text as nodes: ```blocks```, lists, quotes, then *bold*, _italic_, ~strike~, `code` and links inside each line. */
export function marked(text) {
  const parts = text.split(/```([\s\S]+?)```/);
  return parts.flatMap((part, index) => (index % 2 ? [el("code.block", {}, part.replace(/^\n|\n$/g, ""))] : lines(part)));
}

/** The text without its marks, in one line. */
export const plain = (text) =>
  marked(text)
    .map((node) => node.textContent + (node.nodeName === "DIV" ? " " : ""))
    .join("")
    .replace(/\s+/g, " ")
    .trim();

function lines(text) {
  const out = [];
  text.split("\n").forEach((line, index) => {
    const block = blockOf(line);
    const afterBlock = out.at(-1)?.nodeName === "DIV";
    if (index && !block && (!afterBlock || !line)) out.push(document.createTextNode("\n"));
    out.push(...(block ? [block] : inline(line)));
  });
  return out;
}

function blockOf(line) {
  const quote = line.match(/^> (.+)/);
  if (quote) return el("div.quote", {}, inline(quote[1]));
  const item = line.match(/^(?:([-*]) |(\d{1,3}\.) )(.+)/);
  if (item) return el("div.item", {}, el("span.bullet", {}, item[1] ? "•" : item[2]), el("span", {}, inline(item[3])));
  return null;
}

function inline(line) {
  const run = firstRun(line);
  if (!run) return linked(line);
  const { start, end, node } = run;
  return [...linked(line.slice(0, start)), node, ...inline(line.slice(end))];
}

function firstRun(line) {
  for (let at = 0; at < line.length; at += 1) {
    if (line[at] === "`" || line[at] in MARKS) {
      const end = closing(line, at);
      if (end > 0 && !insideLink(line, at)) return { start: at, end: end + 1, node: element(line[at], line.slice(at + 1, end)) };
    }
  }
  return null;
}

function element(mark, inside) {
  return mark === "`" ? el("code", {}, inside) : el(MARKS[mark], {}, inline(inside));
}

// WhatsApp opens a mark only at the edge of a word and closes it only before one: 2*3*4 and snake_case_names stay as they are.
function closing(line, at) {
  const mark = line[at];
  if (wordy(line[at - 1]) || !line[at + 1] || /\s/.test(line[at + 1])) return -1;
  for (let end = line.indexOf(mark, at + 2); end > 0; end = line.indexOf(mark, end + 1)) {
    if (!/\s/.test(line[end - 1]) && !wordy(line[end + 1])) return end;
  }
  return -1;
}

const wordy = (letter) => letter !== undefined && /[\p{L}\p{N}]/u.test(letter);

const insideLink = (line, at) => [...line.matchAll(LINK)].some((match) => at > match.index && at < match.index + match[0].length);

function linked(text) {
  const out = [];
  let last = 0;
  for (const match of text.matchAll(LINK)) {
    const words = match[0].replace(/[.,;:!?)\]*_~]+$/, "");
    out.push(text.slice(last, match.index), link(words));
    last = match.index + words.length;
  }
  out.push(text.slice(last));
  return out.filter((part) => part !== "").map((part) => (typeof part === "string" ? document.createTextNode(part) : part));
}

function link(words) {
  return el("a", { href: webAddress(words), target: "_blank", rel: "noopener noreferrer" }, words);
}

/** The address if it is a web address, else null: a message must not smuggle `javascript:` or `data:` into a link. */
export function webAddress(words) {
  const address = /^www\./i.test(words) ? `https://${words}` : words;
  return /^https?:\/\//i.test(address) ? address : null;
}
