// What the hub must answer before a sale goes on. Meanwhile the card is dead, nothing but locking
// leaves the sale, and digits wait: so two taps are one, and a late answer never meets another sale
// than its own.
import * as amount from "./amount.js";
import { Refused } from "./api.js";
import { $, warn } from "./view.js";

let busy = null;

export const isBusy = () => busy !== null;

/** The sale is broken off, whatever is still to be answered. */
export function breakOff() {
  busy = null;
  $("card").inert = false;
  amount.release(true);
}

/** `act(still)` asks, and returns what shows the answer; `still()`: the sale is still there.
 *  `refusedHere` shows a refusal. */
export async function answered(act, refusedHere) {
  if (busy) return;
  const mine = (busy = {});
  amount.hold();
  $("card").inert = true;
  warn(null);
  let show = () => {};
  try {
    show = await act(() => busy === mine);
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    show = () => refusedHere(refused);
  } finally {
    if (busy === mine) {
      busy = null;
      $("card").inert = false;
      show();
      amount.release();
    }
  }
}
