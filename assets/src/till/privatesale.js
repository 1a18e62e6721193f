// A private sale that runs here: how the customer stands, what is reduced, what is to pay, and the
// guest checked in by one tap.
import * as amount from "./amount.js";
import { Refused, write } from "./api.js";
import { here } from "./here.js";
import { hubNow } from "./hubtime.js";
import { h, money, t } from "./view.js";

/** The customer (by reference) whose reduced amount is noted, and how much it is. */
let noted = { ref: "", cents: 0 };

/** What the customer's card shows of each sale; `checkIn(sale)` is done by its button. */
export function boxes(member, details, checkIn) {
  if (!member.ref) return runs() ? [h("p", { class: "notice warn" }, t("sale_offline"))] : [];
  return (details?.sales ?? []).map((sale) => box(sale, member, checkIn));
}

function box(sale, member, checkIn) {
  return h("section", { class: "private-sale", "aria-label": sale.name, "data-tone": sale.tone },
    h("div", {}, h("b", {}, sale.name), h("p", {}, sale.text)),
    sale.full ? h("p", { class: "notice warn" }, sale.full) : null,
    sale.act ? h("button", { type: "button", class: "big", onclick: () => checkIn(sale.sale) }, t(sale.act)) : null,
    sale.used ? h("p", { class: "hint" }, sale.used) : null,
    sale.tone === "ok" ? pay(sale, member) : null,
    sale.prices.length ? h("details", { open: sale.tone === "ok" }, h("summary", {}, t("sale_prices")), h("ul", {}, ...sale.prices.map(price))) : null);
}

/** What the typed amount comes to where a percentage is taken off everything. A tap notes it: what
 *  was paid is what the receipt says, and what earns. */
function pay({ off, own_prices }, member) {
  const full = amount.cents();
  if (!off.length || !full || (noted.ref === member.ref && noted.cents === full)) return null;
  const percent = Math.max(0, ...off.filter((one) => full >= one.least_cents).map((one) => one.percent));
  if (!percent) {
    const least = off.reduce((a, b) => (b.least_cents < a.least_cents ? b : a));
    return h("p", { class: "hint" }, t("sale_from", { off: `−${least.percent}\u202f%`, amount: money(least.least_cents) }));
  }
  const cents = Math.floor(full * (100 - percent) / 100);
  const note = () => {
    noted = { ref: member.ref, cents };
    amount.set(cents);
  };
  return h("div", { class: "to-pay" },
    h("p", {}, h("b", {}, t("sale_pay", { off: `−${percent}\u202f%`, amount: money(cents), full: money(full) }))),
    own_prices ? h("p", { class: "hint" }, t("sale_own")) : null,
    h("button", { type: "button", class: "second", onclick: note }, t("sale_take", { amount: money(cents) })));
}

function price(one) {
  return h("li", {},
    h("span", {}, one.name),
    h("b", {}, one.text),
    one.reference_cents ? h("span", { class: "hint" }, t("sale_reference", { amount: money(one.reference_cents) })) : null);
}

/** What the hub said last, without a network: does a sale run here now? */
const runs = () => (here.till.sales ?? []).some(({ from, until }) => Date.parse(from) <= hubNow() && hubNow() < Date.parse(until));

export const arrive = (body) => online(write("sale/arrive", body));
export const scanned = (code) => online(write("sale/scan", { code }));

/** Nobody is checked in without the network: two tills would each let the same guest in. */
async function online(answer) {
  try {
    return await answer;
  } catch (refused) {
    if (refused instanceof Refused && refused.status === 0) throw new Refused(0, { text: t("sale_offline") });
    throw refused;
  }
}
