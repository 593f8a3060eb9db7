// The sandbox's clock and the 24-hour window.

import * as api from "./api.js";
import { announce, el, find, toast } from "./dom.js";
import { clockTime, moment, shortDay, span } from "./times.js";
import { now, refresh, world } from "./world.js";

const HOUR = 3600;
const time = el("time.big-time");
const date = el("span.date");
const badge = el("span.badge.ahead", { hidden: true });
const words = el("p.window-words");
const bar = el("span.bar-fill");

export function clockCard() {
  setInterval(drawClock, 1000);
  return el(
    "section.card.clock",
    {},
    el("h2", {}, "Clock", badge),
    el("div.clock-line", {}, time, date),
    el("div.buttons", {}, skipButton(1), skipButton(25)),
    el("div.window", {}, el("h3", {}, "24-hour window"), el("span.bar", { "aria-hidden": "true" }, bar), words),
  );
}

function skipButton(hours) {
  const act = async (event) => {
    const button = event.currentTarget;
    button.disabled = true;
    try {
      await api.skip(hours * HOUR);
      await refresh();
      announce(`The clock moved ${hours} ${hours === 1 ? "hour" : "hours"} ahead. It is ${clockTime(now())}, ${shortDay(now())}.`);
    } catch (refusal) {
      toast(refusal.message);
    }
    button.disabled = false;
    button.focus();
  };
  return el("button.button.plain", { type: "button", onclick: act }, `Skip ${hours} h`);
}

export function drawClock() {
  const at = now();
  say(time, clockTime(at));
  say(date, shortDay(at));
  say(find("phone-time"), clockTime(at));
  const ahead = world.offset >= 60;
  badge.hidden = !ahead;
  if (ahead) say(badge, `${span(world.offset)} ahead`);
  drawWindow(at);
}

function drawWindow(at) {
  const left = world.windowUntil ? (moment(world.windowUntil) - at) / 1000 : 0;
  const name = world.person?.name ?? "a customer";
  bar.style.inlineSize = `${Math.min(100, Math.max(0, left / (24 * HOUR / 100)))}%`;
  bar.classList.toggle("low", left < 2 * HOUR);
  if (left > 0) say(words, `Open for ${span(left)}`);
  else say(words, world.windowUntil ? `Closed: only templates arrive until ${name} writes` : `Opens when ${name} writes`);
}

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
