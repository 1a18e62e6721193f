// The till page: amount, customer, attach. Everything else waits behind a button.
import * as amount from "./till/amount.js";
import * as answering from "./till/answered.js";
import { ask, Refused } from "./till/api.js";
import * as enrol from "./till/enrol.js";
import * as find from "./till/find.js";
import { here } from "./till/here.js";
import { remember } from "./till/hubtime.js";
import * as outbox from "./till/outbox.js";
import * as queue from "./till/queue.js";
import * as returns from "./till/returns.js";
import * as sale from "./till/sale.js";
import { scan } from "./till/scan.js";
import * as sellers from "./till/sellers.js";
import { kept } from "./till/store.js";
import { $, dialog, h, t, warn } from "./till/view.js";
import { listen } from "./till/wedge.js";

let standing = 0; // changes of who serves: what the hub said before one is old
let leaving = Promise.resolve(); // the hub hears that the till was locked

function place(name) {
  for (const id of ["pairing", "sellers", "sale"]) $(id).hidden = id !== name;
  for (const id of ["seller", "menu", "status"]) $(id).hidden = name === "pairing";
  // A customer's data doesn't stay before whoever comes to a locked till.
  if (name !== "sale") for (const box of document.querySelectorAll("dialog[open]")) box.close();
}

function showSeller() {
  $("seller").textContent = here.seller?.name ?? "";
  $("seller").hidden = !here.till.sellers.length;
  $("seller").setAttribute("aria-label", t("seller_is", { name: here.seller?.name ?? "" }));
}

/** Take up what the hub (or, without it, this device's memory) says of the till. */
function open(state) {
  here.till = state;
  here.seller = state.seller;
  $("shop").textContent = state.shop.name;
  $("simulated").hidden = !state.shop.simulated;
  queue.flush(state.shop.id).catch(() => {}).then(outbox.status);
  if (!here.seller && state.sellers.length) {
    place("sellers");
    sellers.show(state.sellers);
    return;
  }
  const selling = !$("sale").hidden; // the network came back in the middle of a sale
  place("sale");
  showSeller();
  if (!selling) $("amount").focus({ preventScroll: true });
}

async function load() {
  try {
    // A till that was locked stays so, whoever the hub believes to stand there: it is told first.
    if (await kept.get("locked")) await (leaving = ask("leave"));
    const before = standing;
    const state = await ask("state");
    document.body.dataset.lost = "no";
    const locked = await kept.get("locked");
    if (standing !== before) state.seller = here.seller;
    else if (locked) state.seller = null;
    open(state);
    await kept.put("state", state);
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    const state = await kept.get("state");
    if (refused.status === 401 || !state) {
      place("pairing");
      warn(refused.status === 401 ? (state ? t("revoked") : null) : refused.message);
      return;
    }
    document.body.dataset.lost = "yes";
    open(state);
  }
  outbox.status();
}

/** Lock, on this device first: only a PIN opens it, whether or not the hub has heard of it. */
async function lock() {
  if (!here.till?.sellers.length) return;
  here.seller = here.till.seller = null;
  standing++;
  answering.breakOff();
  sale.nextSale();
  place("sellers");
  sellers.show(here.till.sellers);
  const told = async () => {
    await kept.put("locked", true);
    await kept.put("state", here.till);
    await ask("leave");
  };
  await (leaving = told()).catch(unheard);
}

/** Without an answer the hub hears of the locking at the next `load`. */
function unheard(refused) {
  if (!(refused instanceof Refused)) throw refused;
}

function menu() {
  const item = (name, act) => h("button", { type: "button", class: "second", onclick: () => { box.close(); act(); } }, t(name));
  const box = dialog(t("menu"),
    h("div", { class: "list" }, item("return_title", () => returns.open(sale.recent)), item("waits", outbox.open),
      here.till.sellers.length ? item("lock", lock) : null),
    h("p", { class: "hint" }, t("keys")));
}

function scanned(code) {
  const free = !$("sale").hidden && !document.querySelector("dialog[open]");
  if (free && find.kindOf(code) === "invitation") {
    sale.invited(code);
  } else if (free && !sale.hasMember()) {
    const kind = find.kindOf(code);
    if (kind === "card" || kind === "phone") find.look(code, listeners);
    else returns.open(sale.recent, code);
  } else {
    const field = document.querySelector("dialog[open] #return-code");
    if (field) {
      field.value = code;
      field.form.requestSubmit();
    }
  }
}

const listeners = {
  chosen: sale.choose,
  invited: sale.invited,
  unknown: (text, kind) => enrol.open(here.till, text, kind, { chosen: sale.choose }),
  // Without the network nobody can be looked up: the typed number is resolved on the hub later.
  offline: (text, kind) => {
    document.body.dataset.lost = "yes";
    outbox.status();
    if (kind === "name") warn(t("offline_name"));
    else sale.choose({ contact: text.trim(), name: t("later"), hint: text.trim() });
  },
};

function start() {
  amount.start();
  find.start(listeners);
  listen(scanned);
  sellers.startPairing(load);
  sellers.startSellers(async (who, known) => {
    warn(null);
    here.seller = here.till.seller = who;
    standing++;
    // Known to this device alone, the hub wants the PIN again when it is back.
    if (known) {
      await kept.put("locked", false);
      await kept.put("state", here.till);
    }
    document.body.dataset.lost = known ? "no" : "yes";
    place("sale");
    showSeller();
    sale.nextSale();
    outbox.status();
  }, () => leaving.catch(unheard));
  sellers.lockWhenIdle(lock);
  $("sum").addEventListener("submit", (event) => event.preventDefault());
  $("sum").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (sale.hasMember()) $("card").querySelector("[data-attach]:enabled")?.focus();
    else $("find").focus();
  });
  $("find").addEventListener("focus", () => sale.at("find"));
  $("amount").addEventListener("focus", () => $("sale").dataset.at === "find" && sale.at(null));
  document.addEventListener("till:next", sale.next);
  document.addEventListener("till:amount", () => sale.hasMember() && $("sale").dataset.at === "card" && sale.draw());
  document.addEventListener("till:queue", outbox.status);
  document.addEventListener("till:shut", ({ detail }) => detail === "locked" ? lock() : setTimeout(shut));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !document.querySelector("dialog[open]") && !$("sale").hidden) sale.nextSale();
  });
  addEventListener("online", load);
  addEventListener("offline", outbox.status);
  $("scan").addEventListener("click", async () => {
    $("scan").disabled = true; // a second tap would open a second camera
    const code = await scan().finally(() => ($("scan").disabled = false));
    if (code) scanned(code);
  });
  $("seller").addEventListener("click", lock);
  $("menu").addEventListener("click", menu);
  $("status").addEventListener("click", outbox.open);
  remember().then(load).then(queue.keepTrying);
  navigator.serviceWorker?.register("/till/sw.js", { scope: "/till/" });
  navigator.storage?.persist?.();
}

/** The hub knows this device no more: receipts that wait stay, sealed, for when it is paired again. */
function shut() {
  answering.breakOff();
  sale.nextSale();
  place("pairing");
  if (here.till) warn(t("revoked"));
}

if (globalThis.isSecureContext) start();
else {
  place("none");
  warn(t("needs_https"));
}
