// Spend what was earned: reserve first, take it off at the shop's own till, then confirm. Whatever
// happens between, the reservation lapses by itself.
import { ask, Refused, write } from "./api.js";
import * as amount from "./amount.js";
import { attempt } from "./attempt.js";
import { day, dialog, h, money, t, units } from "./view.js";

/** The buttons of a customer's card. `changed(used, card)`: something was used (or nothing, null),
 *  and what the card is now, where that is known. */
export function buttons(card, member, changed) {
  const rewards = card.rewards.filter((reward) => reward.most > 0).map((reward) =>
    h("button", { type: "button", class: "second", onclick: () => identified(member, changed, (known) => {
      const now = known.rewards.find(({ id }) => id === reward.id);
      if (now) reserve(now, member, changed);
    }, card) },
      t("use", { name: reward.name })));
  const vouchers = card.vouchers.map((voucher) =>
    h("button", { type: "button", class: "second", onclick: () => identified(member, changed, (known) => {
      const now = known.vouchers.find((one) => one.name === voucher.name && one.expires_on === voucher.expires_on);
      if (now) useVoucher(now, changed);
    }, card) },
      t("use", { name: voucher.name }), h("small", {}, " ", t("valid_until", { day: day(voucher.expires_on) }))));
  return [...rewards, ...vouchers];
}

const troubleLine = () => h("p", { class: "trouble", role: "alert", hidden: true });

/** A name alone spends nothing: ask for the number or the card, once, then go on. */
function identified(member, changed, go, card) {
  if (member.sure) return go(card);
  const trouble = troubleLine();
  const field = h("input", { id: "identify", required: true, autocomplete: "off", maxlength: 254 });
  const form = h("form", {},
    h("div", {}, h("label", { for: "identify" }, t("identify")), field),
    trouble,
    h("button", { class: "big" }, t("identify_go")));
  const box = dialog(t("identify_title"), form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(trouble, async () => {
      const { member: sure } = await ask("identify", { member: member.ref, text: field.value });
      const known = await ask("member", { member: sure.ref });
      if (!box.open) return; // given up: nothing opens over what came next
      Object.assign(member, sure);
      box.close();
      changed(null, known);
      go(known);
    });
  });
  field.focus();
}

/** A partial amount is as good as a whole one: at most what is there, at most the bill. */
function reserve(reward, member, changed) {
  const trouble = troubleLine();
  const partial = reward.kind === "amount";
  const bill = amount.cents();
  const proposed = partial && bill ? Math.min(reward.most, bill) : reward.most;
  const field = h("input", { id: "take", inputmode: "decimal", value: (proposed / 100).toFixed(2).replace(".", ","), autocomplete: "off" });
  const form = h("form", {},
    h("p", {}, partial ? t("available", { amount: money(reward.most) }) : t("costs", { amount: units(reward.asset_kind, reward.cost) })),
    partial ? h("div", {}, h("label", { for: "take" }, t("amount_off")), field) : null,
    trouble,
    h("button", { class: "big" }, t("reserve")));
  const box = dialog(reward.name, form);
  const key = crypto.randomUUID();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const value = partial ? centsOf(field.value) : null;
    attempt(trouble, async () => {
      const hold = await write("reserve", { key: `${key}:${value}`, member: member.ref, reward: reward.id, wanted_cents: value });
      if (box.open) confirm(box, form, { ...hold, name: reward.name, amount: partial }, changed);
      else giveBack(hold, crypto.randomUUID(), changed);
    });
  });
  field.select();
}

/** Nothing was taken off: give it back now rather than when it lapses (as it does, if this fails). */
async function giveBack({ hold }, key, changed) {
  try {
    await write("cancel", { key, hold });
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
  }
  changed(null);
}

function confirm(box, form, hold, changed) {
  const trouble = troubleLine();
  const key = crypto.randomUUID();
  let asked = false; // closing the dialog under an answer on its way takes nothing back
  const end = (path) => () => attempt(trouble, async () => {
    asked = true;
    try {
      const answer = await write(path, { key: `${key}:${path}`, hold: hold.hold });
      box.close();
      changed(path === "confirm" ? said(hold, answer) : null);
    } finally {
      asked = !box.open;
    }
  });
  form.replaceWith(
    h("p", { class: "notice" }, hold.amount
      ? t("reserved_amount", { amount: money(hold.cents) })
      : t("reserved_gift", { name: hold.name })),
    trouble,
    h("div", { class: "actions" },
      h("button", { type: "button", class: "second", onclick: end("cancel") }, t("cancel")),
      h("button", { type: "button", autofocus: true, onclick: end("confirm") }, t("done_at_till"))));
  box.addEventListener("close", () => asked || giveBack(hold, `${key}:cancel`, changed));
}

function said(hold, { undo, cents, voucher_code: code }) {
  const what = hold.amount ? t("redeemed_amount", { amount: money(cents) }) : t("redeemed", { name: hold.name });
  return { undo, text: code ? t("voucher_is", { code }) : what };
}

function useVoucher(voucher, changed) {
  const trouble = troubleLine();
  const key = crypto.randomUUID();
  const box = dialog(voucher.name,
    h("p", {}, t("voucher_take", { name: voucher.name })),
    trouble,
    h("button", { type: "button", class: "big", onclick: () => attempt(trouble, async () => {
      await write("voucher", { key, voucher: voucher.code });
      box.close();
      changed({ text: t("redeemed", { name: voucher.name }) });
    }) }, t("done_at_till")));
}

/** "12,5" and "12.50" are 1250; anything else is no amount. */
export function centsOf(text) {
  const match = /^\s*(\d{1,6})(?:[.,](\d{1,2}))?\s*€?\s*$/.exec(text);
  return match ? Number(match[1]) * 100 + Number((match[2] ?? "0").padEnd(2, "0")) : 0;
}
