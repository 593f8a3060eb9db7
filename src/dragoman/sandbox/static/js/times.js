// Times as people say them, in the browser's own time zone.

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const DAY = new Intl.DateTimeFormat("en", { weekday: "long", day: "numeric", month: "long" });
const SHORT_DAY = new Intl.DateTimeFormat("en", { weekday: "short", day: "numeric", month: "short" });

/** The control API tells times as seconds since 1970, or as ISO text. */
export const moment = (told) => new Date(typeof told === "number" ? told * 1000 : told);

export const clockTime = (at) => CLOCK.format(at);
export const shortDay = (at) => SHORT_DAY.format(at);
export const dayKey = (at) => `${at.getFullYear()}-${at.getMonth() + 1}-${at.getDate()}`;

export function dayWords(at, now) {
  if (dayKey(at) === dayKey(now)) return "Today";
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  return dayKey(at) === dayKey(yesterday) ? "Yesterday" : DAY.format(at);
}

/** 90061 seconds → "1 d 1 h"; 3700 → "1 h 1 min"; 40 → "40 s". */
export function span(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  if (days) return hours ? `${days} d ${hours} h` : `${days} d`;
  if (hours) return minutes ? `${hours} h ${minutes} min` : `${hours} h`;
  return minutes ? `${minutes} min` : `${whole} s`;
}

export function minutesSeconds(seconds) {
  const whole = Number.isFinite(seconds) ? Math.max(0, Math.floor(seconds)) : 0;
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}
