// Where the customer writes: text, files, voice, places, and what the message answers.

import * as api from "./api.js";
import { attachSheet, base64, pickFile, takeAny } from "./attach.js";
import { inWords } from "./bubble.js";
import { addWaiting, dropWaiting } from "./chat.js";
import { el, fill, find, icon, toast } from "./dom.js";
import { minutesSeconds } from "./times.js";
import { canRecord, record } from "./voice.js";
import { world } from "./world.js";

const draft = { file: null, quoted: null, recording: null };
let refetch = () => {};

const field = () => find("text");

export function startComposer(changed) {
  refetch = changed;
  find("composer").addEventListener("submit", submit);
  find("attach").addEventListener("click", () => attachSheet(addFile, sendPlace));
  field().addEventListener("keydown", keys);
  field().addEventListener("input", drawSend);
  field().addEventListener("paste", ({ clipboardData }) => clipboardData.files[0] && takeAny(clipboardData.files[0], addFile));
  find("screen").addEventListener("dragover", (event) => event.preventDefault());
  find("screen").addEventListener("drop", dropped);
}

/** Another person has the phone: no file or quote goes along, and nobody can write when nobody is chosen. */
export function readyFor(person) {
  forget();
  for (const control of [field(), find("attach"), find("send")]) control.disabled = !person;
  field().placeholder = person ? "Message" : "Nobody has this phone";
  drawSend();
}

export function prefill(text) {
  if (!text) return;
  field().value = text;
  drawSend();
  drawTray();
  field().focus();
}

export function replyTo(message) {
  draft.quoted = message;
  drawTray();
  field().focus();
}

export function again(message) {
  dropWaiting(message);
  deliver(message.request, message);
}

function keys(event) {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    if (!isEmpty()) submit(event);
  }
  if (event.key === "Escape" && (draft.file || draft.quoted)) {
    event.stopPropagation();
    forget();
  }
}

const isEmpty = () => !field().value.trim() && !draft.file;

async function submit(event) {
  event.preventDefault();
  if (!world.person) return;
  if (draft.recording) await finishVoice();
  else if (isEmpty()) await startVoice();
  else if (draft.file) await sendFile();
  else sendText();
}

function sendText() {
  const text = field().value.trim();
  deliver({ type: "text", text });
}

async function sendFile() {
  const { kind, file, url } = draft.file;
  const caption = field().value.trim();
  const request = { type: kind, media_base64: await base64(file), mime_type: file.type || "application/octet-stream" };
  if (kind === "document" || kind === "audio") request.filename = file.name;
  if (caption && kind !== "audio") request.caption = caption;
  deliver(request, { media: { url, mime_type: file.type, filename: file.name } });
  if (caption && kind === "audio") deliver({ type: "text", text: caption });
}

function sendPlace({ latitude, longitude, name, address }) {
  deliver({ type: "location", latitude, longitude, ...(name && { name, address }) });
}

/** Show the message at once, then send it; `seen` is what only this page knows, such as the local picture. */
function deliver(request, seen = {}) {
  const full = { ...request, number: world.number?.phone_number_id };
  if (draft.quoted && !request.quoted) full.quoted = draft.quoted.id;
  const location = request.type === "location" ? { latitude: request.latitude, longitude: request.longitude, name: request.name, address: request.address } : null;
  const { type, text, caption } = full;
  const waiting = addWaiting({ type, text, caption, location, quoted: seen.quoted ?? shownQuote(), media: seen.media, request: full });
  clear();
  api.send(world.person, full).then(
    ({ id }) => {
      waiting.sent(id);
      refetch();
    },
    (refusal) => waiting.refused(refusal.message),
  );
}

const shownQuote = () => draft.quoted && { id: draft.quoted.id, from: draft.quoted.from, text: inWords(draft.quoted) };

function addFile(file) {
  draft.file = file;
  drawTray();
  drawSend();
  field().focus();
}

function dropped(event) {
  event.preventDefault();
  const file = event.dataTransfer.files[0];
  if (file && world.person) takeAny(file, addFile);
}

function clear() {
  field().value = "";
  forget();
}

function forget() {
  draft.file = draft.quoted = null;
  drawTray();
  drawSend();
}

function drawSend() {
  const [sign, words] = draft.recording || !isEmpty() ? ["send", "Send"] : ["mic", "Record a voice note"];
  const button = find("send");
  if (button.getAttribute("aria-label") !== words) {
    button.setAttribute("aria-label", words);
    fill(button, icon(sign));
  }
  field().style.height = "auto";
  field().style.height = `${field().scrollHeight}px`;
  if (find("tray").dataset.connect !== String(isConnect())) drawTray();
}

const isConnect = () => field().value.startsWith("/connect:");

function drawTray() {
  const tray = find("tray");
  const parts = [draft.recording && recordingLine(), draft.quoted && quotedLine(), draft.file && fileLine(), isConnect() && connectLine()].filter(Boolean);
  tray.dataset.connect = String(isConnect());
  tray.hidden = !parts.length;
  fill(tray, parts);
}

const connectLine = () => el("div.tray-line.connect", {}, icon("bolt"), el("span", {}, "Send this to put the agent on this conversation"));

function quotedLine() {
  const name = draft.quoted.from === "person" ? "yourself" : (world.number?.name ?? "the business");
  return el("div.tray-line.quoted", {}, el("span", {}, el("b", {}, `Answering ${name}`), el("small", {}, inWords(draft.quoted))), remove("Do not quote", "quoted"));
}

function fileLine() {
  const { kind, file, url } = draft.file;
  const look = kind === "image" ? el("img.thumb", { src: url, alt: "" }) : el("span.thumb", {}, icon(kind === "document" ? "file" : kind));
  const size = file.size < 1e6 ? `${Math.max(1, Math.round(file.size / 1e3))} kB` : `${(file.size / 1e6).toFixed(1)} MB`;
  return el("div.tray-line", {}, look, el("span", {}, el("b", {}, file.name), el("small", {}, kind === "audio" ? size : `${size} · write a caption below`)), remove("Take it away", "file"));
}

function remove(words, what) {
  const act = () => {
    draft[what] = null;
    drawTray();
    drawSend();
    field().focus();
  };
  return el("button.ghost", { type: "button", "aria-label": words, onclick: act }, icon("close"));
}

async function startVoice() {
  if (!canRecord()) {
    pickFile("audio", addFile);
    return;
  }
  try {
    draft.recording = { ...(await record()), since: performance.now() };
  } catch {
    toast("The microphone is not available here; attach an audio file instead.");
    return;
  }
  draft.recording.timer = setInterval(() => (find("voice-time").textContent = minutesSeconds((performance.now() - draft.recording.since) / 1000)), 250);
  drawTray();
  drawSend();
}

function recordingLine() {
  const cancel = el("button.ghost", { type: "button", "aria-label": "Throw the recording away", onclick: cancelVoice }, icon("close"));
  return el("div.tray-line.recording", {}, el("span.lamp"), el("span", {}, el("b", { id: "voice-time" }, "0:00"), el("small", {}, "Recording. Send it, or throw it away.")), cancel);
}

function endVoice() {
  const { recording } = draft;
  clearInterval(recording.timer);
  draft.recording = null;
  drawTray();
  drawSend();
  return recording;
}

const cancelVoice = () => endVoice().cancel();

async function finishVoice() {
  const file = await endVoice().finish();
  deliver({ type: "audio", media_base64: await base64(file), mime_type: file.type, voice: true }, { media: { url: URL.createObjectURL(file), mime_type: file.type } });
}
