// Who stands at the till, and how a device becomes one.
import { ask, Refused } from "./api.js";
import { forget, keep as keepPin, open as openPin } from "./pin.js";
import { $, h, hour, t, warn } from "./view.js";

const IDLE_MS = 15 * 60_000;

export function startPairing(paired) {
  $("pairing-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    warn(null);
    try {
      await ask("pair", { code: $("code").value });
      $("code").value = "";
      await paired();
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      warn(refused.message);
      $("code").select();
    }
  });
}

let chosen;

export function startSellers(signedIn) {
  $("pin-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    warn(null);
    const pin = $("pin").value;
    $("pin").value = "";
    try {
      const { seller } = await ask("seller", { seller: chosen.id, pin });
      await keepPin(seller, pin);
      signedIn(seller, true);
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      if (refused.status === 0) return openAlone(pin, signedIn);
      if (refused.status === 423) await forget(chosen.id);
      const { locked_until: until, tries_left: left } = refused.body;
      if (until) warn(t("pin_locked", { time: hour(until) }));
      else warn(left === undefined ? refused.message : t("pin_wrong", { n: left }));
      $("pin").focus();
    }
  });
  $("pin-back").addEventListener("click", () => show([...$("seller-list").sellers]));
}

/** Without the hub: the PIN that this device knows opens, to earn only. */
async function openAlone(pin, signedIn) {
  const answer = await openPin(chosen.id, pin);
  if (answer?.seller) return signedIn(answer.seller, false);
  warn(answer?.left ? t("pin_wrong", { n: answer.left }) : t("pin_offline"));
  $("pin").focus();
}

/** Offer the sellers; with one alone, go to the PIN at once. */
export function show(sellers) {
  $("seller-list").sellers = sellers;
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
