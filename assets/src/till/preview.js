// Without a network: what a receipt will earn, by the same rules as the hub's. The member's tier,
// birthday and first purchase aren't known here, so it is the least that it can be.
import { earn } from "../loyalty/rules.js";

const WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/** Weekday, minute and month of an instant in the shop's town, wherever the device thinks it is. */
export function local(moment, timeZone) {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone, weekday: "short", hour: "2-digit", minute: "2-digit", month: "numeric", hourCycle: "h23",
  }).formatToParts(new Date(moment));
  const said = Object.fromEntries(parts.map(({ type, value }) => [type, value]));
  return {
    weekday: WEEKDAYS.indexOf(said.weekday),
    minute: Number(said.hour) * 60 + Number(said.minute),
    month: Number(said.month),
  };
}

/** Whether a rule earns at an instant; `ends_at` is the first one without it. */
function inForce({ starts_at: start, ends_at: end }, at) {
  const moment = Date.parse(at);
  return Date.parse(start) <= moment && (!end || moment < Date.parse(end));
}

export function preview(till, { amount_cents: cents, issued_at: at }) {
  const line = { number: 1, gross_cents: cents, quantity_milli: 1000, item_id: "", group: "", discount: false };
  const basket = { lines: [line], ...local(at, till.shop.timezone), first: false, birth_month: null, tier: null };
  return till.programmes
    .map(({ kind, name, rules }) => ({
      kind,
      amount: earn(basket, rules.filter((rule) => inForce(rule, at))).reduce((sum, part) => sum + part.amount, 0),
      why: name,
    }))
    .filter(({ amount }) => amount);
}
