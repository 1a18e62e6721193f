// The till page: amount, customer, attach. Everything else waits behind a button.
import * as amount from "./till/amount.js";
import { ask, passing, Refused, write } from "./till/api.js";
import * as card from "./till/card.js";
import * as enrol from "./till/enrol.js";
import * as find from "./till/find.js";
import { hubNow, remember } from "./till/hubtime.js";
import { preview } from "./till/preview.js";
import * as outbox from "./till/outbox.js";
import * as queue from "./till/queue.js";
import * as redeem from "./till/redeem.js";
import * as returns from "./till/returns.js";
import { scan } from "./till/scan.js";
import * as sellers from "./till/sellers.js";
import { kept } from "./till/store.js";
import { $, dialog, h, hour, money, say, t, warn } from "./till/view.js";
import { listen } from "./till/wedge.js";

const UNDO_MS = 10_000;
const RECENT = 6;

let till = null; // the shop, its sellers and rules, as the hub said last
let seller = null;
let member = null; // whom the sale is for: { ref, name, hint } or { contact, name } without a network
let details = null; // the member's card
let news = []; // what was just used, and its undoing
let sending = false; // a receipt is on its way: its button must not be drawn alive again
const recent = []; // receipts of this page's life, for returns

// Where the page is ------------------------------------------------------------------------------

function place(name) {
  for (const id of ["pairing", "sellers", "sale"]) $(id).hidden = id !== name;
  for (const id of ["seller", "menu", "status"]) $(id).hidden = name === "pairing";
}

function at(step) {
  if (step) $("sale").dataset.at = step;
  else delete $("sale").dataset.at;
}

function next() {
  member = details = null;
  warn(null);
  find.clear();
  $("find").value = $("number").value = "";
  $("card").hidden = true;
  $("card").replaceChildren();
  at(null);
}

function nextSale() {
  amount.set(0);
  next();
  $("amount").focus({ preventScroll: true });
}

// The customer -----------------------------------------------------------------------------------

async function choose(row) {
  member = row;
  details = null;
  news = [];
  find.clear();
  at("card");
  draw();
  $("card").querySelector("[data-attach]")?.focus({ preventScroll: true });
  say(row.name);
  if (!row.ref) return;
  try {
    const came = await ask("member", { member: row.ref });
    if (member !== row) return;
    details = came;
    draw();
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    if (member === row) warn(refused.message);
  }
}

/** Draw the card anew, and leave the focus on the button where it was. What comes late (the
 *  member's details, after the receipt was attached) must not draw over what was done. */
function draw() {
  if ($("sale").dataset.at !== "card") return;
  const held = document.activeElement?.dataset?.attach !== undefined;
  const cents = amount.cents();
  const attachButton = h("button", { type: "button", class: "big", "data-attach": true, disabled: !cents || sending, onclick: attach },
    cents ? t("attach", { amount: money(cents) }) : t("amount_first"));
  const more = details
    ? [...redeem.buttons(details, member, redeemed), h("button", { type: "button", class: "second", onclick: consents }, t("consents")),
       h("button", { type: "button", class: "second", onclick: account }, t("account"))]
    : [];
  card.show({
    member, card: details, onclose: () => { next(); $("find").focus(); },
    top: [attachButton, ...news, ...arrived()],
    actions: more,
  });
  if (held) $("card").querySelector("[data-attach]").focus({ preventScroll: true });
}

/** Receipts that the shop's connected till has sent: one tap gives one to this customer. */
function arrived() {
  if (!details?.arrived.length) return [];
  return [h("div", { class: "actions", role: "group", "aria-label": t("arrived") },
    ...details.arrived.map((one) =>
      h("button", { type: "button", class: "second", onclick: () => attachArrived(one) },
        t("attach_arrived", { amount: money(one.cents), time: hour(one.at) }))))];
}

/** Something was used (or given up): say it, let it be undone, show the balances anew. */
async function redeemed(used) {
  const mine = member;
  const came = await ask("member", { member: member.ref }).catch(() => details);
  if (member !== mine) return;
  details = came;
  news = [];
  if (used) {
    say(used.text);
    news = [h("p", { class: "notice" }, used.text)];
    if (used.undo) {
      news.push(undoButton(async () => {
        await write("undo", { undo: used.undo });
        details = await ask("member", { member: member.ref });
      }, () => { news = []; draw(); }));
    }
  }
  draw();
}

async function account() {
  try {
    const { svg, address, text } = await ask("account", { member: member.ref });
    if (text) dialog(t("account"), h("p", { class: "notice" }, text));
    else qr(t("account"), svg, address, t("account_help"));
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    warn(refused.message);
  }
}

function qr(title, svg, address, help) {
  dialog(title,
    h("img", { class: "qr", alt: t("qr_alt"), src: `data:image/svg+xml,${encodeURIComponent(svg)}` }),
    h("p", { class: "hint" }, help),
    h("p", { class: "hint" }, new URL(address, location).host));
}

/** What the customer agreed to, each with its way out; giving is as easy, with the text shown. */
function consents() {
  const trouble = h("p", { class: "trouble", role: "alert", hidden: true });
  const boxes = details.consents.map((one) =>
    h("label", { class: "tick" },
      h("input", { type: "checkbox", checked: one.given, onchange: async ({ target }) => {
        try {
          trouble.hidden = true;
          await write("consent", { member: member.ref, controller: one.controller, purpose: one.purpose, channel: one.channel, given: target.checked, wording: one.wording });
          one.given = target.checked;
        } catch (refused) {
          if (!(refused instanceof Refused)) throw refused;
          target.checked = !target.checked;
          trouble.textContent = refused.message;
          trouble.hidden = false;
        }
      } }),
      h("span", {}, one.text)));
  dialog(t("consents"), h("p", { class: "hint" }, t("consents_help")), trouble, h("div", { class: "list" }, ...boxes));
}

// Attaching --------------------------------------------------------------------------------------

async function attach() {
  const cents = amount.cents();
  const whom = member.ref ? { member: { ref: member.ref, name: member.name } } : { contact: member.contact };
  const body = {
    ...whom, amount_cents: cents, number: $("number").value.trim(),
    issued_at: new Date(hubNow()).toISOString(), shift: seller?.shift ?? "",
  };
  const mine = member;
  sending = true;
  draw();
  warn(null);
  let entry, answer;
  try {
    entry = await queue.add(body, till.shop.id);
    answer = await queue.deliver(entry);
  } finally {
    sending = false;
  }
  if (member !== mine) return;
  if (!(answer instanceof Refused)) return done(answer, cents);
  if (passing(answer.status)) return keptForLater(body, entry);
  // Said here and now: it need not stand in the list of the refused as well.
  await queue.remove(entry.key);
  warn(answer.message);
  draw();
}

async function attachArrived(one) {
  try {
    done(await write("attach", { member: member.ref, receipt: one.receipt }), one.cents);
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    warn(refused.message);
  }
}

function done(answer, cents) {
  if (answer.code) {
    recent.unshift({ code: answer.code, cents, at: hubNow() });
    recent.length = Math.min(recent.length, RECENT);
  }
  const undo = undoButton(() => write("undo", { undo: answer.undo }));
  card.show({
    member, card: answer.card, onclose: nextSale,
    top: [
      ...(answer.claimed ? [h("p", { class: "notice" }, t("claimed"))] : card.earned(answer.earned)),
      ...(answer.earned.length || answer.claimed ? [] : [h("p", { class: "notice" }, t("earned_nothing"))]),
    ],
    actions: [
      undo,
      answer.receipt ? h("button", { type: "button", class: "second", onclick: () => eReceipt(answer.receipt) }, t("e_receipt")) : "",
      answer.code ? h("p", { class: "hint" }, t("code_is", { code: answer.code })) : "",
      h("button", { type: "button", class: "big", "data-next": true, onclick: nextSale }, t("next")),
    ],
  });
  finished(answer.earned.map((row) => row.why).join(" ") || t("attached"));
}

function keptForLater(body, entry) {
  const shown = preview(till, body);
  const undo = undoButton(async () => {
    if (await queue.remove(entry.key)) return;
    // It went out in the very moment: ask for its answer, and undo that.
    const sent = await queue.deliver(entry);
    if (sent instanceof Refused) throw sent;
    await write("undo", { undo: sent.undo });
  });
  card.show({
    member, card: null, onclose: nextSale,
    top: [h("p", { class: "notice warn" }, t("kept")), ...card.earned(shown), shown.length ? h("p", { class: "hint" }, t("preview")) : ""],
    actions: [undo, h("button", { type: "button", class: "big", "data-next": true, onclick: nextSale }, t("next"))],
  });
  finished(t("kept"));
}

function finished(said) {
  at("done");
  amount.finish();
  say(said);
  $("card").querySelector("[data-next]").focus({ preventScroll: true });
}

function undoButton(act, after = undoneSale) {
  const button = h("button", { type: "button", class: "second undo", onclick: async () => {
    button.disabled = true;
    try {
      await act();
      after();
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      warn(refused.message);
    }
  } }, t("undo"));
  setTimeout(() => button.remove(), UNDO_MS);
  return button;
}

function undoneSale() {
  amount.set(amount.cents());
  choose(member);
  say(t("undone"));
  warn(t("undone"));
}

async function eReceipt(receipt) {
  try {
    const { svg, address } = await ask("e-receipt", { receipt });
    qr(t("e_receipt"), svg, address, t("e_receipt_help"));
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    warn(refused.message);
  }
}

// Start ------------------------------------------------------------------------------------------

function showSeller() {
  $("seller").textContent = seller?.name ?? "";
  $("seller").hidden = !till.sellers.length;
  $("seller").setAttribute("aria-label", t("seller_is", { name: seller?.name ?? "" }));
}

/** Take up what the hub (or, without it, this device's memory) says of the till. */
function open(state) {
  till = state;
  seller = state.seller;
  $("shop").textContent = state.shop.name;
  $("simulated").hidden = !state.shop.simulated;
  queue.flush(state.shop.id).catch(() => {}).then(outbox.status);
  if (!seller && state.sellers.length) {
    place("sellers");
    sellers.show(state.sellers);
  } else {
    place("sale");
    showSeller();
    $("amount").focus({ preventScroll: true });
  }
}

async function load() {
  try {
    // A till that was locked stays so, whoever the hub believes to stand there: it is told first.
    if (await kept.get("locked")) await ask("leave");
    const state = await ask("state");
    document.body.dataset.lost = "no";
    if (await kept.get("locked")) state.seller = null;
    await kept.put("state", state);
    open(state);
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
  if (!till?.sellers.length) return;
  seller = till.seller = null;
  nextSale();
  place("sellers");
  sellers.show(till.sellers);
  await kept.put("locked", true);
  await kept.put("state", till);
  // Without an answer the hub hears of it at the next `load`.
  await ask("leave").catch((refused) => {
    if (!(refused instanceof Refused)) throw refused;
  });
}

function menu() {
  const item = (name, act) => h("button", { type: "button", class: "second", onclick: () => { box.close(); act(); } }, t(name));
  const box = dialog(t("menu"),
    h("div", { class: "list" }, item("return_title", () => returns.open(recent)), item("waits", outbox.open),
      till.sellers.length ? item("lock", lock) : null),
    h("p", { class: "hint" }, t("keys")));
}

function scanned(code) {
  if (!member && !$("sale").hidden && !document.querySelector("dialog[open]")) {
    const kind = find.kindOf(code);
    if (kind === "card" || kind === "phone") find.look(code, listeners);
    else returns.open(recent, code);
  } else {
    const field = document.querySelector("dialog[open] #return-code");
    if (field) {
      field.value = code;
      field.form.requestSubmit();
    }
  }
}

const listeners = {
  chosen: choose,
  unknown: (text, kind) => enrol.open(till, text, kind, { chosen: choose }),
  // Without the network nobody can be looked up: the typed number is resolved on the hub later.
  offline: (text, kind) => {
    document.body.dataset.lost = "yes";
    outbox.status();
    if (kind === "name") warn(t("offline_name"));
    else choose({ contact: text.trim(), name: t("later"), hint: text.trim() });
  },
};

function start() {
  amount.start();
  find.start(listeners);
  listen(scanned);
  sellers.startPairing(load);
  sellers.startSellers(async (who, known) => {
    warn(null);
    seller = till.seller = who;
    // Known to this device alone, the hub wants the PIN again when it is back.
    if (known) {
      await kept.put("locked", false);
      await kept.put("state", till);
    }
    document.body.dataset.lost = known ? "no" : "yes";
    place("sale");
    showSeller();
    nextSale();
    outbox.status();
  });
  sellers.lockWhenIdle(lock);
  $("sum").addEventListener("submit", (event) => event.preventDefault());
  $("sum").addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    if (member) $("card").querySelector("[data-attach]:enabled")?.focus();
    else $("find").focus();
  });
  $("find").addEventListener("focus", () => at("find"));
  $("amount").addEventListener("focus", () => $("sale").dataset.at === "find" && at(null));
  document.addEventListener("till:next", next);
  document.addEventListener("till:amount", () => member && $("sale").dataset.at === "card" && draw());
  document.addEventListener("till:queue", outbox.status);
  document.addEventListener("till:shut", ({ detail }) => detail === "locked" ? lock() : setTimeout(shut));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !document.querySelector("dialog[open]") && !$("sale").hidden) nextSale();
  });
  addEventListener("online", load);
  addEventListener("offline", outbox.status);
  $("scan").addEventListener("click", async () => {
    const code = await scan();
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
  place("pairing");
  if (till) warn(t("revoked"));
}

if (globalThis.isSecureContext) start();
else {
  place("none");
  warn(t("needs_https"));
}
