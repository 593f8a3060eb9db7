// What the page knows of the sandbox: people, numbers, the clock, the faults; and who is chosen.

import * as api from "./api.js";
import { moment } from "./times.js";

export const world = { people: [], numbers: [], person: null, number: null, faults: [], offset: 0, windowUntil: null, alive: true };

const watchers = new Set();
let clockAt = Date.now() - performance.now();

export const now = () => new Date(clockAt + performance.now());

/** Call `seen(what)` after each change; `what` is "world", "choice", "faults", "window" or "alive". */
export const watch = (seen) => watchers.add(seen);
export const tell = (what) => watchers.forEach((seen) => seen(what));

export async function refresh() {
  const told = await api.state();
  clockAt = moment(told.now) - performance.now();
  world.offset = told.offset_seconds ?? 0;
  world.people = told.people;
  world.numbers = told.numbers;
  const had = world.person;
  world.person = world.people.find((person) => person.id === had?.id) ?? null;
  world.number = world.numbers.find((number) => number.phone_number_id === world.number?.phone_number_id) ?? world.numbers[0] ?? null;
  tell("world");
  if (had && !world.person) choosePerson(world.people[0] ?? null); // the sandbox was started anew
}

export async function refreshFaults() {
  const told = await api.faults();
  world.faults = Array.isArray(told) ? told : told.faults;
  tell("faults");
}

export function choosePerson(person) {
  world.person = person;
  remember("person", person?.id);
  tell("choice");
}

export function chooseNumber(number) {
  world.number = number;
  remember("number", number?.phone_number_id);
  tell("choice");
}

/** From the page's address: `?person=` an id, a name, a username or a phone; `?number=` an id or the digits shown. */
export function chooseFromAddress() {
  const asked = new URLSearchParams(location.search);
  const name = asked.get("person")?.toLowerCase();
  const digits = (words) => (words ?? "").replace(/\D/g, "");
  const is = (person) =>
    [person.id, person.name, person.username].some((known) => known?.toLowerCase() === name) || (digits(name) && digits(person.phone) === digits(name));
  world.person = world.people.find((person) => name && is(person)) ?? world.people[0] ?? null;
  const number = asked.get("number");
  const chosen = world.numbers.find((known) => known.phone_number_id === number || (number && digits(known.display_number) === digits(number)));
  world.number = chosen ?? world.number;
  tell("choice");
  return asked.get("text") ?? "";
}

function remember(key, value) {
  const address = new URL(location.href);
  if (value) address.searchParams.set(key, value);
  else address.searchParams.delete(key);
  address.searchParams.delete("text");
  history.replaceState(null, "", address);
}

/** +15550007890 → "+1 555 000 7890"; other countries in groups of three. */
export function phoneWords(phone) {
  const digits = (phone ?? "").replace(/\D/g, "");
  if (!digits) return "";
  if (digits.length === 11 && digits[0] === "1") return `+1 ${digits.slice(1, 4)} ${digits.slice(4, 7)} ${digits.slice(7)}`;
  return `+${digits.slice(0, 2)} ${digits.slice(2).replace(/(\d{3})(?=\d{2})/g, "$1 ")}`.trim();
}

export function personLine(person) {
  const hidden = person.phone_visible === "never" || !person.phone;
  const parts = [hidden ? "phone hidden" : phoneWords(person.phone), person.username && `@${person.username}`];
  return parts.filter(Boolean).join(" · ");
}
