// Who stands at the till, and how a device becomes one.
import { ask, Refused } from "./api.js";
import { forget, keep as keepPin, open as openPin } from "./pin.js";
import { $, h, hour, t, warn } from "./view.js";

const IDLE_MS = 15 * 60_000;

export function startPairing(paired) {
  $("pairing-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = event.target.querySelector("button");
    if (button.disabled) return;
    button.disabled = true; // a code is good once: a second tap would be told that it is used
    warn(null);
    try {
      await ask("pair", { code: $("code").value });
      $("code").value = "";
      await paired();
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      warn(refused.message);
      $("code").select();
    } finally {
      button.disabled = false;
    }
  });
}

let chosen = null; // whose PIN is being typed

/** `left`: resolves when the hub has heard of the last locking, which must not undo what comes. */
export function startSellers(signedIn, left) {
  $("pin-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    warn(null);
    const who = chosen;
    const pin = $("pin").value;
    $("pin").value = "";
    await left();
    try {
      const { seller } = await ask("seller", { seller: who.id, pin });
      await keepPin(seller, pin);
      enter(who, seller, true, signedIn);
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      if (refused.status === 0) return openAlone(who, pin, signedIn);
      if (refused.status === 423) await forget(who.id);
      const { locked_until: until, tries_left: left } = refused.body;
      if (until) refuse(who, t("pin_locked", { time: hour(until) }));
      else refuse(who, left === undefined ? refused.message : t("pin_wrong", { n: left }));
    }
  });
  $("pin-back").addEventListener("click", () => {
    chosen = null;
    show([...$("seller-list").sellers]);
  });
}

/** Without the hub: the PIN that this device knows opens, to earn only. */
async function openAlone(who, pin, signedIn) {
  const answer = await openPin(who.id, pin);
  if (answer?.seller) return enter(who, answer.seller, false, signedIn);
  refuse(who, answer?.left ? t("pin_wrong", { n: answer.left }) : t("pin_offline"));
}

/** An answer counts while its seller is the one at the PIN: another may be typing theirs by now. */
function enter(who, seller, known, signedIn) {
  if (chosen !== who) return;
  chosen = null;
  signedIn(seller, known);
}

function refuse(who, text) {
  if (chosen !== who) return;
  warn(text);
  $("pin").focus();
}

/** Offer the sellers; with one alone, go to the PIN at once. Who is typing a PIN stays at it. */
export function show(sellers) {
  $("seller-list").sellers = sellers;
  if (chosen && sellers.some(({ id }) => id === chosen.id)) return;
  const pick = (seller) => {
    chosen = seller;
    $("seller-list").hidden = true;
    $("sellers-title").textContent = seller.name;
    $("pin-form").hidden = false;
    $("pin").focus();
  };
  $("sellers-title").textContent = t("who_serves");
  $("pin-form").hidden = true;
  $("seller-list").hidden = false;
  $("seller-list").replaceChildren(
    ...sellers.map((seller) => h("button", { type: "button", class: "second", onclick: () => pick(seller) }, seller.name)));
  if (sellers.length === 1) pick(sellers[0]);
  else $("seller-list").firstElementChild?.focus();
}

/** Lock after a quarter of an hour in which nobody touched the page. */
export function lockWhenIdle(lock) {
  let last = Date.now();
  for (const sign of ["pointerdown", "keydown"]) {
    addEventListener(sign, () => (last = Date.now()), { capture: true, passive: true });
  }
  setInterval(() => {
    if (Date.now() - last > IDLE_MS) {
      last = Date.now();
      lock();
    }
  }, 20_000);
}
