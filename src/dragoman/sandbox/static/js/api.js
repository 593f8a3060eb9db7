// The sandbox's control API, as the page uses it.

const ROOT = location.pathname.replace(/\/phone(\/.*)?$/, "");

export const controlUrl = (path) => `${ROOT}/control${path}`;

/** The sandbox said no, or did not answer. Its message is fit to show. */
export class Refusal extends Error {}

async function call(method, path, body) {
  const request = { method, headers: { accept: "application/json" } };
  if (body !== undefined) {
    request.headers["content-type"] = "application/json";
    request.body = JSON.stringify(body);
  }
  const answer = await fetch(controlUrl(path), request).catch(() => {
    throw new Refusal("The sandbox does not answer. Is it still running?");
  });
  const text = await answer.text();
  const told = parsed(text);
  if (!answer.ok) throw new Refusal(reason(told) || `The sandbox answered ${answer.status}.`);
  return told;
}

function parsed(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

const reason = (told) => (typeof told?.error === "string" ? told.error : told?.error?.message);

const who = (person) => `/people/${encodeURIComponent(person.id)}`;

export const state = () => call("GET", "/state");
export const createPerson = (fields) => call("POST", "/people", fields);
export const send = (person, message) => call("POST", `${who(person)}/messages`, message);
export const tap = (person, choice) => call("POST", `${who(person)}/taps`, choice);
export const read = (person, number) => call("POST", `${who(person)}/read`, { number });
export const chat = (person, number) => call("GET", `${who(person)}/chat?number=${encodeURIComponent(number)}`);
export const eventsUrl = (person, number) => controlUrl(`${who(person)}/events?number=${encodeURIComponent(number)}`);
export const skip = (seconds) => call("POST", "/clock", { advance_seconds: seconds });
export const faults = () => call("GET", "/faults");
export const addFault = (fault) => call("POST", "/faults", fault);
export const removeFault = (id) => call("DELETE", `/faults/${encodeURIComponent(id)}`);
