// Things that go wrong on request. One fault of each group at a time, because the sandbox lets the first that matches win.

import * as api from "./api.js";
import { announce, el, fill, find, icon, toast } from "./dom.js";
import { refreshFaults, world } from "./world.js";

const CODES = [
  [131016, "131016 overloaded"],
  [130429, "130429 too fast"],
  [131056, "131056 too fast for this person"],
  [190, "190 token expired"],
  [131008, "131008 bad request"],
];

const GROUPS = [
  {
    words: "When the business sends",
    on: "send",
    faults: [
      ["error", "Error", "Meta answers an error"],
      ["reset_after", "Reset", "Meta takes the message, then cuts the line"],
      ["fail_after", "Fails later", "Meta takes the message; it never arrives"],
    ],
  },
  {
    words: "Webhooks arrive",
    on: "webhook",
    faults: [
      ["duplicate", "Twice", "Webhooks are sent twice"],
      ["reorder", "Out of order", "Webhooks are sent out of order"],
      ["drop", "Never", "Webhooks are lost"],
      ["delay", "Late", "Webhooks are 5 s late"],
    ],
  },
];

const code = el("select", { "aria-label": "The error that Meta answers", onchange: () => turn(GROUPS[0], "error") }, CODES.map(([value, words]) => el("option", { value }, words)));
const others = el("div.others");
const radios = new Map();

export function faultsCard() {
  return el("section.card.faults", {}, el("h2", {}, "Faults", el("span.badge.on", { id: "faults-on", hidden: true })), groupBox(GROUPS[0]), code, groupBox(GROUPS[1]), others);
}

function groupBox(group) {
  const options = [["", "Fine", "No fault"], ...group.faults].map(([action, short, long]) => {
    const radio = el("input", { type: "radio", name: `fault-${group.on}`, value: action, "aria-label": long, onchange: () => turn(group, action) });
    radios.set(`${group.on}/${action}`, radio);
    return el(`label.chip${action ? "" : ".fine"}`, { title: long }, radio, el("span", {}, short));
  });
  return el("fieldset", {}, el("legend", {}, group.words), el("div.chips-line", {}, options));
}

// A fault that is ours to switch: for everybody, until switched off. Others, set by a test or by hand, are only listed.
const plain = (fault) => fault.times == null && !fault.person && !fault.number && !fault.status;

const ours = (group) => world.faults.find((fault) => fault.on === group.on && plain(fault) && group.faults.some(([action]) => action === fault.action));

async function turn(group, action) {
  try {
    for (const fault of world.faults.filter((known) => known.on === group.on && plain(known))) await api.removeFault(fault.id);
    if (action) await api.addFault(request(group, action));
    await refreshFaults();
    announce(action ? `Fault on: ${longWords(ours(group))}` : `No fault when ${group.words.toLowerCase()}`);
  } catch (refusal) {
    toast(refusal.message);
    await refreshFaults().catch(() => {});
  }
}

function request(group, action) {
  const fault = { on: group.on, action };
  if (action === "error") fault.code = Number(code.value);
  if (action === "fail_after") fault.code = 131026;
  if (action === "delay") fault.delay_seconds = 5;
  return fault;
}

function longWords(fault) {
  const group = GROUPS.find((known) => known.on === fault.on);
  const words = group?.faults.find(([action]) => action === fault.action)?.[2] ?? `${fault.on}: ${fault.action.replace(/_/g, " ")}`;
  return fault.code ? `${words} (${fault.code})` : words;
}

export function drawFaults() {
  for (const group of GROUPS) {
    const fault = ours(group);
    radios.get(`${group.on}/${fault?.action ?? ""}`).checked = true;
    if (fault?.action === "error") chooseCode(fault.code);
  }
  code.hidden = ours(GROUPS[0])?.action !== "error";
  const mine = GROUPS.map(ours);
  fill(others, world.faults.filter((fault) => !mine.includes(fault)).map(otherLine));
  mark(world.faults);
}

function chooseCode(value) {
  if (![...code.options].some((option) => option.value === String(value))) code.append(el("option", { value }, String(value)));
  code.value = value;
}

function otherLine(fault) {
  const off = () => api.removeFault(fault.id).then(refreshFaults, (refusal) => toast(refusal.message));
  const times = fault.times ? `, ${fault.times} ×` : "";
  return el("p.other", {}, icon("bolt"), el("span", {}, longWords(fault) + times), el("button.ghost", { type: "button", "aria-label": `Remove: ${longWords(fault)}`, onclick: off }, icon("close")));
}

function mark(faults) {
  const strip = find("strip-faults");
  strip.hidden = !faults.length;
  fill(strip, icon("bolt"), el("span", {}, faults.map(longWords).join(" · ")));
  find("faults-on").hidden = !faults.length;
  find("faults-on").textContent = `${faults.length} on`;
  find("panel-open").querySelector(".dot").hidden = !faults.length;
}
