// A private sale that runs here: how the customer stands, what is reduced, checked in by one tap.
import { Refused, write } from "./api.js";
import { here } from "./here.js";
import { hubNow } from "./hubtime.js";
import { h, money, t } from "./view.js";

/** What the customer's card shows of each sale; `checkIn(sale)` is done by its button. */
export function boxes(member, details, checkIn) {
  if (!member.ref) return runs() ? [h("p", { class: "notice warn" }, t("sale_offline"))] : [];
  return (details?.sales ?? []).map((sale) => box(sale, checkIn));
}

function box(sale, checkIn) {
  return h("section", { class: "private-sale", "aria-label": sale.name, "data-tone": sale.tone },
    h("div", {}, h("b", {}, sale.name), h("p", {}, sale.text)),
    sale.full ? h("p", { class: "notice warn" }, sale.full) : null,
    sale.act ? h("button", { type: "button", class: "big", onclick: () => checkIn(sale.sale) }, t(sale.act)) : null,
    sale.prices.length ? h("details", { open: sale.tone === "ok" }, h("summary", {}, t("sale_prices")), h("ul", {}, ...sale.prices.map(price))) : null);
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
