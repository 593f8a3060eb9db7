// What can be put on a message: pictures, videos, sounds, documents, a place.

import { el, find, icon, toast } from "./dom.js";
import { closeSheet, sheet } from "./sheet.js";

const MB = 1024 * 1024;

// Meta: largest file of each kind.
const KINDS = {
  image: { words: "Picture", accept: "image/*", largest: 5 * MB },
  video: { words: "Video", accept: "video/*", largest: 16 * MB },
  audio: { words: "Audio", accept: "audio/*", largest: 16 * MB },
  document: { words: "Document", accept: "", largest: 100 * MB },
};

const PLACES = [
  { name: "Galata Tower", address: "Bereketzade, Istanbul", latitude: 41.02563, longitude: 28.97414 },
  { name: "Rialto Bridge", address: "San Polo, Venice", latitude: 45.43798, longitude: 12.33592 },
];

/** The attach sheet. `add({kind, file, url})` gets a picked file, `go({latitude, longitude, …})` a place. */
export function attachSheet(add, go) {
  const kinds = Object.entries(KINDS).map(([kind, { words }]) => action(kind === "document" ? "file" : kind, words, () => pickFile(kind, add)));
  sheet("Attach", el("div.actions", {}, kinds, action("pin", "Location", () => placeSheet(go))), { kind: "menu" });
}

const action = (sign, words, onclick) => el("button.sheet-action", { type: "button", onclick }, el(`span.sign.${sign}`, {}, icon(sign)), words);

export function pickFile(kind, add) {
  closeSheet();
  const input = find("file");
  input.accept = KINDS[kind].accept;
  input.value = "";
  input.onchange = () => input.files[0] && take(kind, input.files[0], add);
  input.click();
}

/** A dropped or pasted file: the kind follows from its type. */
export function takeAny(file, add) {
  const kind = file.type.split("/")[0];
  return take(kind in KINDS ? kind : "document", file, add);
}

async function take(kind, file, add) {
  const ready = kind === "image" ? await asPhoto(file) : file;
  if (ready.size > KINDS[kind].largest) {
    toast(`WhatsApp takes a ${KINDS[kind].words.toLowerCase()} of up to ${KINDS[kind].largest / MB} MB; this one has ${(ready.size / MB).toFixed(1)} MB.`);
    return;
  }
  add({ kind, file: ready, url: URL.createObjectURL(ready) });
}

// As the real app does: what is not JPEG or PNG, or too large, becomes a JPEG of at most 1600 pixels.
async function asPhoto(file) {
  if (["image/jpeg", "image/png"].includes(file.type) && file.size <= KINDS.image.largest) return file;
  const picture = await createImageBitmap(file).catch(() => null);
  if (!picture) return file;
  const scale = Math.min(1, 1600 / Math.max(picture.width, picture.height));
  const canvas = el("canvas", { width: Math.round(picture.width * scale), height: Math.round(picture.height * scale) });
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.85));
  return new File([blob], file.name.replace(/\.\w+$/, "") + ".jpg", { type: "image/jpeg" });
}

function placeSheet(go) {
  const field = (words, value) => el("input", { type: "number", step: "any", required: true, value, "aria-label": words });
  const latitude = field("Latitude", PLACES[0].latitude);
  const longitude = field("Longitude", PLACES[0].longitude);
  const send = (place) => {
    closeSheet();
    go(place);
  };
  const here = () =>
    navigator.geolocation?.getCurrentPosition(
      ({ coords }) => send({ latitude: coords.latitude, longitude: coords.longitude }),
      () => toast("This device does not tell where it is; type the numbers instead."),
    );
  const submit = (event) => {
    event.preventDefault();
    send({ latitude: Number(latitude.value), longitude: Number(longitude.value) });
  };
  const form = el(
    "form.place-form",
    { onsubmit: submit },
    el("label", {}, "Latitude", latitude),
    el("label", {}, "Longitude", longitude),
    el("button.button", { type: "submit" }, "Send this place"),
  );
  const known = PLACES.map((place) => placeRow("pin", place.name, place.address, () => send(place)));
  sheet("Send a location", el("div.rows", {}, placeRow("locate", "Where this device is", "asks the browser", here), known, form));
}

function placeRow(sign, title, words, onclick) {
  return el("button.row", { type: "button", onclick }, el(`span.sign.${sign}`, {}, icon(sign)), el("span", {}, el("b", {}, title), el("small", {}, words)));
}

/** The file's bytes as base64, as the control API takes them. */
export function base64(blob) {
  return new Promise((done, failed) => {
    const reader = new FileReader();
    reader.onload = () => done(reader.result.slice(reader.result.indexOf(",") + 1));
    reader.onerror = () => failed(reader.error);
    reader.readAsDataURL(blob);
  });
}
