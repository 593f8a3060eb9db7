// One stream of "something changed" for the chat on screen, which comes back by itself when the connection is lost.

const LONGEST_WAIT = 8000;

/** Follow `url`; `changed()` on each event and after each (re)connection, `alive(bool)` when the connection comes and goes. Returns stop(). */
export function follow(url, { changed, alive }) {
  let source = null;
  let timer = null;
  let wait = 500;

  const open = () => {
    source = new EventSource(url);
    source.addEventListener("open", () => {
      wait = 500;
      alive(true);
      changed();
    });
    source.addEventListener("message", changed);
    source.addEventListener("changed", changed);
    source.addEventListener("error", lost);
  };

  // The browser retries a dropped connection itself, but gives up for good on an answer such as 502; so we always do it.
  const lost = () => {
    source.close();
    alive(false);
    timer = setTimeout(open, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  };

  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
