// The side panel: a column of cards beside the phone, or a sheet over it on a narrow screen.

import { controlUrl } from "./api.js";
import { clockCard } from "./clock.js";
import { el, find, icon } from "./dom.js";
import { faultsCard } from "./faults.js";
import { numbersCard, peopleCard } from "./people.js";

const MARK = new URL("../mark.svg", import.meta.url).pathname;

export function startPanel() {
  const close = el("button.ghost.panel-close", { type: "button", "aria-label": "Close", onclick: () => show(false) }, icon("close"));
  find("panel").append(brand(close), el("div.cards", {}, el("div", {}, peopleCard(), numbersCard()), el("div", {}, clockCard(), faultsCard())), inside());
  find("panel-open").addEventListener("click", () => show(true));
  find("shade").addEventListener("click", () => show(false));
  document.addEventListener("keydown", (event) => event.key === "Escape" && isShown() && show(false));
  matchMedia("(min-width: 60rem)").addEventListener("change", () => isShown() && show(false));
}

function brand(close) {
  const words = el("div", {}, el("b.wordmark", {}, "Dragoman"), el("p", {}, "Sandbox phone: here you are the customer"));
  return el("header.brand", {}, el("img", { src: MARK, alt: "", width: "40", height: "40" }), words, close);
}

function inside() {
  const link = (path, words) => el("a", { href: controlUrl(path), target: "_blank" }, words);
  return el("footer.inside", {}, "Look inside: ", link("/state", "state"), link("/ledger", "ledger"), link("/deliveries", "webhooks"), link("/faults", "faults"));
}

const isShown = () => find("panel").classList.contains("shown");

function show(is) {
  find("panel").classList.toggle("shown", is);
  find("shade").hidden = !is;
  find("phone").inert = is;
  find("panel-open").setAttribute("aria-expanded", String(is));
  (is ? find("panel").querySelector(".pick, button") : find("panel-open")).focus();
}
