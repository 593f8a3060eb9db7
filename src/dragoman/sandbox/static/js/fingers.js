// A drag to the right and a long press on a message, as on a phone; the finger may still scroll up and down.

const FAR = 56;
const STILL = 10;
const LONG = 450;

export function fingers(node, { swiped, held }) {
  let start = null;
  let pull = 0;
  let timer = null;
  let long = false;

  const begin = ({ touches }) => {
    start = touches.length === 1 ? touches[0] : null;
    long = false;
    timer = setTimeout(() => {
      reset();
      long = true;
      held();
    }, LONG);
  };
  const move = ({ touches }) => {
    if (!start) return;
    const [across, along] = [touches[0].clientX - start.clientX, touches[0].clientY - start.clientY];
    if (Math.hypot(across, along) > STILL) clearTimeout(timer);
    pull = Math.abs(along) > Math.abs(across) ? 0 : Math.max(0, across);
    node.style.setProperty("--pull", `${Math.min(72, pull)}px`);
  };
  const end = (event) => {
    if (long) event.preventDefault(); // or the click that follows would close what the long press has opened
    if (pull > FAR) swiped();
    reset();
  };
  const reset = () => {
    clearTimeout(timer);
    start = null;
    pull = 0;
    node.style.removeProperty("--pull");
  };

  node.addEventListener("touchstart", begin, { passive: true });
  node.addEventListener("touchmove", move, { passive: true });
  node.addEventListener("touchend", end);
  node.addEventListener("touchcancel", reset);
  node.addEventListener("contextmenu", (event) => timer && event.pointerType === "touch" && event.preventDefault());
}
