// The parts a bubble is made of: media, places, people, choices.

import { avatar, el, icon } from "./dom.js";
import { webAddress } from "./markup.js";
import { sheet } from "./sheet.js";
import { minutesSeconds } from "./times.js";
import { phoneWords } from "./world.js";

const MEDIA = { image: picture, video: film, audio: voice, document: paper, sticker: label };

export function media(message) {
  const file = message.media;
  if (!file) return null;
  if (!file.url) return gone("file", "This file is no longer there");
  return (MEDIA[file.kind ?? message.type] ?? paper)(file, message);
}

function picture(file, message) {
  const words = message.caption || message.text || "Picture";
  const image = el("img.picture", { src: file.url, alt: words, decoding: "async" });
  const look = () => sheet("Picture", el("img.whole", { src: file.url, alt: words }), { kind: "viewer" });
  image.addEventListener("error", () => image.closest(".picture-frame")?.replaceWith(gone("image", "This picture could not be loaded")));
  return el("button.picture-frame", { type: "button", "aria-label": `Open picture: ${words}`, onclick: look }, image);
}

function label(file) {
  return el("img.sticker", { src: file.url, alt: "Sticker" });
}

function film(file) {
  const video = el("video.film", { src: file.url, controls: true, preload: "metadata", playsinline: true });
  video.addEventListener("error", () => video.replaceWith(gone("video", "This video could not be loaded")));
  return video;
}

const gone = (sign, words) => el("div.gone", {}, icon(sign), words);

function paper(file, message) {
  const name = file.filename || "Document";
  const ending = name.includes(".") ? name.split(".").at(-1) : (file.mime_type?.split("/").at(-1) ?? "");
  return el(
    "a.paper",
    { href: file.url, target: "_blank", rel: "noopener noreferrer", download: name },
    el("span.paper-sign", {}, icon("file")),
    el("span.paper-words", {}, el("b", {}, name), el("small", {}, ending.slice(0, 8).toUpperCase())),
    icon("save"),
  );
}

function voice(file, message) {
  const sound = new Audio();
  whole(file.url).then((url) => (sound.src = url));
  const time = el("small", {}, "0:00");
  const bars = waveform(message.id);
  const button = el("button.round.quiet", { type: "button", "aria-label": "Play audio" }, icon("play"));
  const draw = () => {
    const part = sound.duration ? sound.currentTime / sound.duration : 0;
    bars.forEach((bar, index) => bar.classList.toggle("heard", part > 0 && index / bars.length <= part));
    time.textContent = minutesSeconds(sound.currentTime || sound.duration);
  };
  const turn = () => {
    button.replaceChildren(icon(sound.paused ? "play" : "pause"));
    button.setAttribute("aria-label", sound.paused ? "Play audio" : "Pause audio");
  };
  for (const event of ["timeupdate", "loadedmetadata", "durationchange"]) sound.addEventListener(event, draw);
  for (const event of ["play", "pause", "ended"]) sound.addEventListener(event, turn);
  button.addEventListener("click", () => (sound.paused ? sound.play().catch(() => (time.textContent = "cannot play")) : sound.pause()));
  return el("div.voice", {}, button, el("span.wave", { "aria-hidden": "true" }, bars), time);
}

// A browser knows how long an Ogg file is only when it can jump to its end, which a plain download does not allow.
async function whole(url) {
  if (url.startsWith("blob:")) return url;
  const answer = await fetch(url).catch(() => null);
  return answer?.ok ? URL.createObjectURL(await answer.blob()) : url;
}

// Not the sound's own shape: a steady one drawn from the message's id, so that it never jumps between two paintings.
function waveform(id) {
  let seed = [...id].reduce((sum, letter) => (sum * 33 + letter.codePointAt(0)) >>> 0, 7);
  return Array.from({ length: 30 }, () => {
    seed = (seed * 1664525 + 1013904223) >>> 0;
    return el(`i.h${1 + (seed >>> 28) % 8}`);
  });
}

export function place({ latitude, longitude, name, address }) {
  const spot = `${Number(latitude).toFixed(5)}, ${Number(longitude).toFixed(5)}`;
  const map = `https://www.openstreetmap.org/?mlat=${latitude}&mlon=${longitude}#map=16/${latitude}/${longitude}`;
  return el(
    "a.place",
    { href: map, target: "_blank", rel: "noopener noreferrer", "aria-label": `Location: ${name || spot}. Opens a map.` },
    el("span.map", { "aria-hidden": "true" }, el("span.map-pin", {}, icon("pin"))),
    el("span.place-words", {}, el("b", {}, name || "Location"), el("small", {}, address || spot)),
  );
}

export function card(contact) {
  const name = contact.name || "Contact";
  return el("div.card-person", {}, avatar(name), el("span", {}, el("b", {}, name), el("small", {}, phoneWords(contact.phone) || "no number")));
}

export function buttons(message, chosen, tap) {
  if (!message.buttons?.length) return null;
  return el("div.choices", {}, message.buttons.map((button) => (button.url ? linkButton(button) : replyButton(button, chosen, tap))));
}

function linkButton({ title, url }) {
  const href = webAddress(url);
  return el("a.choice", { href, target: "_blank", rel: "noopener noreferrer", "aria-disabled": href ? null : "true" }, icon("out"), title);
}

function replyButton(button, chosen, tap) {
  const mine = chosen.has(button.title);
  const act = () => tap({ button_id: button.id }, button.title);
  return el(`button.choice${mine ? ".chosen" : ""}`, { type: "button", disabled: mine, "aria-pressed": String(mine), onclick: act }, icon(mine ? "tick" : "reply"), button.title);
}

export function list(message, chosen, tap) {
  if (!message.list) return null;
  const rows = message.list.rows ?? [];
  const picked = rows.find((row) => chosen.has(row.title));
  const open = () => sheet(message.list.button, listRows(rows, picked, tap), { kind: "list", focus: ".row.picked, .row" });
  return el("div.choices", {}, el(`button.choice${picked ? ".chosen" : ""}`, { type: "button", onclick: open, "aria-haspopup": "dialog" }, icon("list"), message.list.button));
}

function listRows(rows, picked, tap) {
  return el("div.rows", {}, rows.map((row) => listRow(row, row === picked, tap)));
}

function listRow(row, picked, tap) {
  const words = el("span", {}, el("b", {}, row.title), row.description && el("small", {}, row.description));
  return el(`button.row${picked ? ".picked" : ""}`, { type: "button", onclick: () => tap({ row_id: row.id }, row.title) }, words, el("span.radio", { "aria-hidden": "true" }));
}
