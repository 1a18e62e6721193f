// The till page: amount, customer, attach. Everything else waits behind a button.
import * as amount from "./till/amount.js";
import * as answering from "./till/answered.js";
import { ask, passing, Refused, write } from "./till/api.js";
import * as card from "./till/card.js";
import * as customer from "./till/customer.js";
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
let asked = 0; // questions about the customer's card: only the newest one's answer counts
let standing = 0; // changes of who serves: what the hub said before one is old
let leaving = Promise.resolve(); // the hub hears that the till was locked
const recent = []; // receipts of this page's life, for returns

// Where the page is ------------------------------------------------------------------------------

function place(name) {
  for (const id of ["pairing", "sellers", "sale"]) $(id).hidden = id !== name;
  for (const id of ["seller", "menu", "status"]) $(id).hidden = name === "pairing";
  // A customer's data doesn't stay before whoever comes to a locked till.
  if (name !== "sale") for (const box of document.querySelectorAll("dialog[open]")) box.close();
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
  if (answering.isBusy()) return;
  amount.set(0);
  next();
  $("amount").focus({ preventScroll: true });
}

const answered = (act) => answering.answered(act, refusedHere);

function refusedHere({ message }) {
  draw();
  warn(message);
  $("card").querySelector("[data-attach]:enabled, [data-next]")?.focus({ preventScroll: true });
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
  const mine = ++asked;
  try {
    const came = await ask("member", { member: row.ref });
    if (mine !== asked || member !== row) return;
    details = came;
    draw();
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    if (mine === asked && member === row) warn(refused.message);
  }
}

/** Draw the card anew, and leave the focus on the button where it was. What comes late (the
 *  member's details, after the receipt was attached) must not draw over what was done. */
function draw() {
  if ($("sale").dataset.at !== "card") return;
  const held = document.activeElement?.dataset?.attach !== undefined;
  const cents = amount.cents();
  const attachButton = h("button", { type: "button", class: "big", "data-attach": true, disabled: !cents, onclick: attach },
    cents ? t("attach", { amount: money(cents) }) : t("amount_first"));
  const more = details
    ? [...redeem.buttons(details, member, redeemed.bind(null, member)),
       h("button", { type: "button", class: "second", onclick: () => customer.consents(member, details.consents) }, t("consents")),
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
async function redeemed(mine, used, known) {
  if (used) say(used.text);
  const newest = ++asked;
  const came = known ?? await ask("member", { member: mine.ref }).catch((refused) => {
    if (!(refused instanceof Refused)) throw refused;
    return details;
  });
  if (member !== mine) return;
  if (newest === asked) details = came;
  if (used || !known) news = [];
  if (used) {
    news = [h("p", { class: "notice" }, used.text)];
    if (used.undo) news.push(undoButton(used.undo, () => redeemed(mine, null)));
  }
  draw();
}

const account = () => answered(async () => {
  const came = await ask("account", { member: member.ref });
  return () => customer.account(came);
});

const eReceipt = (receipt) => answered(async () => {
  const came = await ask("e-receipt", { receipt });
  return () => customer.qr(t("e_receipt"), came, t("e_receipt_help"));
});

// Attaching --------------------------------------------------------------------------------------

function attach() {
  const cents = amount.cents();
  const whom = member.ref ? { member: { ref: member.ref, name: member.name } } : { contact: member.contact };
  const body = {
    ...whom, amount_cents: cents, number: $("number").value.trim(),
    issued_at: new Date(hubNow()).toISOString(), shift: seller?.shift ?? "",
  };
  return answered(async (here) => {
    const entry = await queue.add(body, till.shop.id);
    const answer = await queue.deliver(entry);
    if (!(answer instanceof Refused)) return attached(answer, cents);
    if (passing(answer.status)) return () => keptForLater(body, entry);
    // Said here and now: it need not stand in the list of the refused as well.
    if (here()) await queue.remove(entry.key);
    throw answer;
  });
}

const attachArrived = (one) => answered(async () =>
  attached(await write("attach", { member: member.ref, receipt: one.receipt }), one.cents));

/** The hub has it, whether or not the sale is still there to show it. */
function attached(answer, cents) {
  if (answer.code) {
    recent.unshift({ code: answer.code, cents, at: hubNow() });
    recent.length = Math.min(recent.length, RECENT);
  }
  return () => done(answer);
}

function done(answer) {
  card.show({
    member, card: answer.card, onclose: nextSale,
    top: [
      ...(answer.claimed ? [h("p", { class: "notice" }, t("claimed"))] : card.earned(answer.earned)),
      ...(answer.earned.length || answer.claimed ? [] : [h("p", { class: "notice" }, t("earned_nothing"))]),
    ],
    actions: [
      undoButton(answer.undo, undoneSale),
      answer.receipt ? h("button", { type: "button", class: "second", onclick: () => eReceipt(answer.receipt) }, t("e_receipt")) : "",
      answer.code ? h("p", { class: "hint" }, t("code_is", { code: answer.code })) : "",
      h("button", { type: "button", class: "big", "data-next": true, onclick: nextSale }, t("next")),
    ],
  });
  finished(answer.earned.map((row) => row.why).join(" ") || t("attached"));
}

function keptForLater(body, entry) {
  const shown = preview(till, body);
  const takeBack = async (key) => {
    if (await queue.remove(entry.key)) return;
    // It went out in the very moment: ask for its answer, and undo that.
    const sent = await queue.deliver(entry);
    if (sent instanceof Refused) throw sent;
    await write("undo", { key, undo: sent.undo });
  };
  card.show({
    member, card: null, onclose: nextSale,
    top: [h("p", { class: "notice warn" }, t("kept")), ...card.earned(shown), shown.length ? h("p", { class: "hint" }, t("preview")) : ""],
    actions: [undoButton(null, undoneSale, takeBack), h("button", { type: "button", class: "big", "data-next": true, onclick: nextSale }, t("next"))],
  });
  finished(t("kept"));
}

function finished(said) {
  at("done");
  amount.finish();
  say(said);
  $("card").querySelector("[data-next]").focus({ preventScroll: true });
}

/** `undo`: what the hub called so; `after` shows what stands then. */
function undoButton(undo, after, act = (key) => write("undo", { key, undo })) {
  const key = crypto.randomUUID();
  const button = h("button", { type: "button", class: "second undo", onclick: () => answered(async () => {
    await act(key);
    return after;
  }) }, t("undo"));
  setTimeout(() => {
    news = news.filter((one) => one !== button);
    button.remove();
  }, UNDO_MS);
  return button;
}

function undoneSale() {
  amount.set(amount.cents());
  choose(member);
  say(t("undone"));
  warn(t("undone"));
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
    if (standing !== before) state.seller = seller;
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
  if (!till?.sellers.length) return;
  seller = till.seller = null;
  standing++;
  answering.breakOff();
  nextSale();
  place("sellers");
  sellers.show(till.sellers);
  const told = async () => {
    await kept.put("locked", true);
    await kept.put("state", till);
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
    standing++;
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
  }, () => leaving.catch(unheard));
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
  nextSale();
  place("pairing");
  if (till) warn(t("revoked"));
}

if (globalThis.isSecureContext) start();
else {
  place("none");
  warn(t("needs_https"));
}
