// Who has the phone, and which business number it writes to.

import * as api from "./api.js";
import { arrowKeys, avatar, el, fill, icon, toast } from "./dom.js";
import { chooseNumber, choosePerson, personLine, phoneWords, refresh, world } from "./world.js";

const CAST = [
  { name: "Dana", phone: "15550007890" },
  { name: "Zoë", username: "zoe.k", phone_visible: "never" },
];

const MARK = new URL("../mark.svg", import.meta.url).pathname;

const people = el("div.picks", { role: "radiogroup", "aria-label": "Who you are" });
const maker = el("div.maker");
const numbers = el("div.picks", { role: "radiogroup", "aria-label": "The number you write to" });

export function peopleCard() {
  arrowKeys(people, ".pick");
  fill(maker, newButton());
  return el("section.card.people", {}, el("h2", {}, "You are"), people, maker);
}

export function numbersCard() {
  arrowKeys(numbers, ".pick");
  return el("section.card.numbers", {}, el("h2", {}, "You write to"), numbers);
}

let drawn = "";

export function drawPeople() {
  const mark = JSON.stringify([world.people, world.numbers, world.person?.id, world.number?.phone_number_id]);
  if (mark === drawn) return;
  drawn = mark;
  const focused = document.activeElement?.dataset?.pick;
  fill(people, world.people.length ? world.people.map(personPick) : nobody());
  fill(numbers, world.numbers.map(numberPick));
  if (focused) [...document.querySelectorAll(".pick")].find((pick) => pick.dataset.pick === focused)?.focus();
}

function personPick(person) {
  return pick(person.id, person === world.person, () => choosePerson(person), avatar(person.name), person.name, personLine(person));
}

function numberPick(number) {
  const line = phoneWords(number.display_number);
  return pick(number.phone_number_id, number === world.number, () => chooseNumber(number), avatar(number.name, ".business"), number.name, line);
}

function pick(id, chosen, act, picture, name, line) {
  return el(
    `button.pick${chosen ? ".chosen" : ""}`,
    { type: "button", role: "radio", "aria-checked": String(chosen), "data-pick": id, onclick: act },
    picture,
    el("span", {}, el("b", {}, name), el("small", {}, line)),
    el("span.radio", { "aria-hidden": "true" }),
  );
}

const nobody = () => el("p.nobody", {}, "No customers yet. Make one, and write to the business as that person.");

/** For the empty phone: two customers, ready to be. */
export function welcome() {
  const made = CAST.map((person) => el("button.button", { type: "button", onclick: () => make(person) }, `Be ${person.name}`));
  return el(
    "div.empty",
    {},
    el("img", { src: MARK, alt: "", width: "64", height: "64" }),
    el("b", {}, "Whose phone is this?"),
    el("p", {}, "Be a customer, and write to the business. Zoë hides her phone number and has a username."),
    el("div.buttons", {}, made),
  );
}

const newButton = () => el("button.add", { type: "button", onclick: openForm }, icon("plus"), "New customer");

function openForm() {
  const name = el("input", { name: "name", required: true, maxlength: "60", placeholder: "Mallory" });
  const phone = el("input", { name: "phone", type: "tel", placeholder: "made up when empty" });
  const username = el("input", { name: "username", maxlength: "35", placeholder: "none" });
  const hidden = el("input", { type: "checkbox", role: "switch" });
  const submit = (event) => {
    event.preventDefault();
    const fields = { name: name.value.trim(), phone: phone.value.trim(), username: username.value.trim().replace(/^@/, ""), phone_visible: hidden.checked ? "never" : "auto" };
    make(Object.fromEntries(Object.entries(fields).filter(([, value]) => value)));
  };
  const form = el(
    "form.new-person",
    { onsubmit: submit },
    el("label", {}, "Name", name),
    el("label", {}, "Phone", phone),
    el("label", {}, "Username", username),
    el("label.switch", {}, hidden, el("span", {}, "Hide the phone number", el("small", {}, "Businesses see an id only"))),
    el("div.buttons", {}, el("button.button", { type: "submit" }, "Create"), el("button.button.plain", { type: "button", onclick: closeForm }, "Cancel")),
  );
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    closeForm();
  });
  fill(maker, form);
  name.focus();
}

function closeForm() {
  fill(maker, newButton());
  maker.firstChild.focus();
}

async function make(fields) {
  try {
    const person = await api.createPerson(fields);
    await refresh();
    choosePerson(world.people.find((known) => known.id === person.id) ?? null);
    fill(maker, newButton());
  } catch (refusal) {
    toast(refusal.message);
  }
}
