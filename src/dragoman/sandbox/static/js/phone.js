// The sandbox's phone: you are the customer. This file only joins the parts.

import * as api from "./api.js";
import { clearChat, showChat, startChat } from "./chat.js";
import { drawClock } from "./clock.js";
import { again, prefill, readyFor, replyTo, startComposer } from "./composer.js";
import { announce, avatar, fill, find, toast } from "./dom.js";
import { drawFaults } from "./faults.js";
import { follow } from "./live.js";
import { messageMenu } from "./menu.js";
import { startPanel } from "./panel.js";
import { drawPeople } from "./people.js";
import { closeSheet } from "./sheet.js";
import { chooseFromAddress, phoneWords, refresh, refreshFaults, tell, watch, world } from "./world.js";

const LOOK_AGAIN = 10_000; // others may move the clock or set faults

let unfollow = () => {};
let asking = null; // the look-up in flight
let askAgain = false;

async function start() {
  startPanel();
  startChat({ menu: (message) => messageMenu(message, { reply: replyTo, react }), reply: replyTo, tap, again });
  startComposer(fetchChat);
  watch(draw);
  setInterval(() => document.visibilityState === "visible" && look(), LOOK_AGAIN);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
  await begin();
}

async function begin() {
  try {
    await refresh();
    await refreshFaults();
  } catch {
    lost();
    setTimeout(begin, 2000);
    return;
  }
  alive(true);
  prefill(chooseFromAddress());
}

function look() {
  refresh().then(refreshFaults).then(fetchChat, lost);
}

function draw(what) {
  if (what === "choice") startOver();
  if (what === "world" || what === "choice") drawPeople();
  if (what === "faults") drawFaults();
  drawTop();
  drawClock();
}

function startOver() {
  unfollow();
  closeSheet();
  clearChat();
  world.windowUntil = null;
  readyFor(world.person);
  document.title = world.person ? `${world.person.name} → ${world.number?.name} · Dragoman` : "Sandbox phone · Dragoman";
  if (!world.person || !world.number) return;
  unfollow = follow(api.eventsUrl(world.person, world.number.phone_number_id), { changed: fetchChat, alive });
}

/** Ask for the chat; calls during a look-up join into one more afterwards. */
async function fetchChat() {
  if (asking) {
    askAgain = true;
    return;
  }
  const { person, number } = world;
  if (!person || !number) return;
  asking = api.chat(person, number.phone_number_id);
  try {
    const told = await asking;
    if (person.id === world.person?.id && number.phone_number_id === world.number?.phone_number_id) show(told);
  } catch {
    // The stream notices a lost sandbox by itself, says so, and asks again when it is back.
  }
  asking = null;
  if (askAgain) {
    askAgain = false;
    fetchChat();
  }
}

function show(told) {
  world.windowUntil = told.window_until;
  world.typing = told.typing;
  showChat(told);
  tell("window");
  readAll(told.messages);
}

// An open chat is a read chat, as on a real phone: the business gets its two coloured ticks.
function readAll(messages) {
  const unread = messages.some((message) => message.from === "business" && !message.failed && message.type !== "reaction" && message.ticks !== "read");
  const newest = messages.at(-1)?.id;
  if (!unread || newest === world.readUpTo || document.visibilityState !== "visible") return;
  world.readUpTo = newest;
  api.read(world.person, world.number.phone_number_id).catch(() => {});
}

function tap(message, choice, title) {
  closeSheet();
  api.tap(world.person, { message: message.id, ...choice }).then(fetchChat, (refusal) => toast(refusal.message));
  announce(`You chose ${title}`);
}

function react(message, emoji) {
  const reaction = { number: world.number.phone_number_id, type: "reaction", message: message.id, emoji };
  api.send(world.person, reaction).then(fetchChat, (refusal) => toast(refusal.message));
}

const lost = () => alive(false);

function alive(is) {
  const strip = find("strip-live");
  if (world.alive !== is) announce(is ? "Connected again" : "The connection to the sandbox is lost; trying again");
  world.alive = is;
  strip.hidden = is;
  strip.textContent = is ? "" : "Reconnecting…";
  drawTop();
}

function drawTop() {
  const name = world.number?.name ?? "Sandbox";
  find("top-name").textContent = name;
  if (find("top-avatar").dataset.name !== name) {
    find("top-avatar").dataset.name = name;
    fill(find("top-avatar"), avatar(name).textContent);
  }
  const line = world.typing ? "typing…" : phoneWords(world.number?.display_number);
  if (find("top-line").textContent !== line) find("top-line").textContent = line;
  find("top-line").classList.toggle("typing", Boolean(world.typing));
  find("top-me").textContent = world.person ? ` · you are ${world.person.name}` : "";
}

start();
