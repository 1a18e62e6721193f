// One sale: a customer is found, what was bought is attached, and can be undone.
import * as amount from "./amount.js";
import * as answering from "./answered.js";
import { ask, passing, Refused, write } from "./api.js";
import * as card from "./card.js";
import * as customer from "./customer.js";
import * as find from "./find.js";
import { hubNow } from "./hubtime.js";
import { here } from "./here.js";
import { preview } from "./preview.js";
import * as privatesale from "./privatesale.js";
import * as queue from "./queue.js";
import * as redeem from "./redeem.js";
import { $, h, hour, money, say, t, warn } from "./view.js";

const UNDO_MS = 10_000;
const RECENT = 6;

let member = null; // whom the sale is for: { ref, name, hint } or { contact, name } without a network
let details = null; // the member's card
let news = []; // what was just used, and its undoing
let asked = 0; // questions about the customer's card: only the newest one's answer counts
export const recent = []; // receipts of this page's life, for returns

export const hasMember = () => member !== null;

/** How far the sale is: before a customer, looking for one, with one, done. */
export function at(step) {
  if (step) $("sale").dataset.at = step;
  else delete $("sale").dataset.at;
}

export function next() {
  member = details = null;
  warn(null);
  find.clear();
  $("find").value = $("number").value = "";
  $("card").hidden = true;
  $("card").replaceChildren();
  at(null);
}

export function nextSale() {
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

/** `used`: what brought the customer here, to be said and undone. */
export async function choose(row, used = null) {
  member = row;
  details = null;
  news = used ? told(used) : [];
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
export function draw() {
  if ($("sale").dataset.at !== "card") return;
  // A button that is replaced while it is pressed never hears that it was let go.
  if ($("card").matches(":active")) return void requestAnimationFrame(draw);
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
    top: [attachButton, ...news, ...privatesale.boxes(member, details, checkIn), ...arrived()],
    actions: more,
  });
  if (held) $("card").querySelector("[data-attach]")?.focus({ preventScroll: true });
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
  if (used) news = told(used);
  draw();
}

function told({ text, undo }) {
  const mine = member;
  return [h("p", { class: "notice" }, text), ...(undo ? [undoButton(undo, () => redeemed(mine, null))] : [])];
}

const checkIn = (id) => answered(async () => {
  const mine = member;
  const came = await privatesale.arrive({ member: mine.ref, sale: id });
  return () => redeemed(mine, came);
});

/** An invitation's QR, or its code: its customer is checked in, and stands here. */
export const invited = (code) => answered(async () => {
  const came = await privatesale.scanned(code);
  return () => choose(came.member, came);
});

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
    issued_at: new Date(hubNow()).toISOString(), shift: here.seller?.shift ?? "",
  };
  return answered(async (still) => {
    const entry = await queue.add(body, here.till.shop.id);
    const answer = await queue.deliver(entry);
    if (!(answer instanceof Refused)) return attached(answer, cents);
    if (passing(answer.status)) return () => keptForLater(body, entry);
    // Said here and now: it need not stand in the list of the refused as well.
    if (still()) await queue.remove(entry.key);
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
  const shown = preview(here.till, body);
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
