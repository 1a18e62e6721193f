// What a dialog asks of the hub, one thing at a time. The dialog may be gone when the answer comes:
// closed by the cashier, or because the till was locked.
import { Refused } from "./api.js";
import { warn } from "./view.js";

/** Run `act` for the dialog around `place`, which is dead meanwhile: two taps are one. A refusal is
 *  told by `tell` (in `place` itself, if none is given), or above the sale where the dialog is gone. */
export async function attempt(place, act, tell = tellIn(place)) {
  const box = place.closest("dialog");
  if (box.inert) return;
  const held = document.activeElement;
  box.inert = true;
  try {
    await act(box);
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    if (box.open) tell(refused);
    else warn(refused.message);
  } finally {
    box.inert = false;
    if (box.open && document.activeElement === document.body) {
      (held.isConnected ? held : box.querySelector("[autofocus]"))?.focus();
    }
  }
}

/** The line of trouble itself: what an earlier try was refused for goes first. */
function tellIn(trouble) {
  trouble.hidden = true;
  return ({ message }) => {
    trouble.textContent = message;
    trouble.hidden = false;
  };
}

/** A key for each content until it is answered: the same again is the same write, another is not. */
export function keyring() {
  const keys = new Map();
  return {
    of(content) {
      if (!keys.has(content)) keys.set(content, crypto.randomUUID());
      return keys.get(content);
    },
    answered: (content) => keys.delete(content),
  };
}
