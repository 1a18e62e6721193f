// Who stands at the till, and how a device becomes one.
import { ask, Refused } from "./api.js";
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
      signedIn((await ask("seller", { seller: chosen.id, pin })).seller);
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      const { locked_until: until, tries_left: left } = refused.body;
      if (until) warn(t("pin_locked", { time: hour(until) }));
      else warn(left === undefined ? refused.message : t("pin_wrong", { n: left }));
      $("pin").focus();
    }
  });
  $("pin-back").addEventListener("click", () => show([...$("seller-list").sellers]));
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
