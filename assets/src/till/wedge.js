// Scanners that type: a burst of signs, faster than any hand, closed by Enter. Where it lands (an
// amount, perhaps) is put back as it was, and the code goes to whoever listens.
import { mark, press, restore } from "./amount.js";

const GAP_MS = 45;
const SHORTEST = 8;

export function listen(found) {
  let burst = "";
  let last = 0;
  let before = mark();
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey) return;
      const now = event.timeStamp;
      if (event.key.length === 1) {
        if (now - last > GAP_MS) [burst, before] = ["", mark()];
        burst += event.key;
        last = now;
        // Digits typed with no field in hand are an amount.
        const nowhere = document.activeElement === document.body && !document.querySelector("dialog[open]");
        if (nowhere && /[\d.,]/.test(event.key)) press(event.key === "." ? "," : event.key);
      } else if (event.key === "Enter") {
        const code = burst;
        const fast = now - last <= GAP_MS;
        burst = "";
        if (!fast || code.length < SHORTEST || !/\d|\/i\//.test(code) || !/^[\w:/?=&.+-]+$/.test(code)) return;
        event.preventDefault();
        event.stopPropagation();
        const field = document.activeElement;
        if (field?.id === "amount" || field === document.body) restore(before);
        else if ("value" in (field ?? {}) && field.value.endsWith(code)) field.value = field.value.slice(0, -code.length);
        found(code);
      }
    },
    { capture: true },
  );
}
