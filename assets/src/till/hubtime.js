// The hub's time: this device's clock may be wrong, and a simulated town has its own. Each answer
// says what time it is there; what is made without a network counts on from the last one.
import { kept } from "./store.js";

let ahead = 0; // of this device's clock, ms

/** Take the hub's time from an answer. */
export function hear(said) {
  if (!said) return;
  const now = Date.parse(said) - Date.now();
  // Kept rarely: what matters without a network is minutes, not the way of an answer.
  if (Math.abs(now - ahead) > 2000) kept.put("ahead", now).catch(() => {});
  ahead = now;
}

/** What time it is on the hub, as far as this device knows (ms since 1970). */
export const hubNow = () => Date.now() + ahead;

/** What this device knew when it was last open. */
export async function remember() {
  ahead = (await kept.get("ahead")) ?? 0;
}
