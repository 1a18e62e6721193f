// A return, by the code on the receipt: by line where the till told lines, else by amount.
import { ask, write } from "./api.js";
import { attempt, keyring } from "./attempt.js";
import { earned } from "./card.js";
import { centsOf } from "./redeem.js";
import { dialog, h, hour, money, t, warn } from "./view.js";

export function open(recent, prefill = "") {
  const trouble = h("p", { class: "trouble", role: "alert", hidden: true });
  const code = h("input", { id: "return-code", maxlength: 20, autocomplete: "off", autocapitalize: "characters", required: true, value: prefill });
  const place = h("div", { class: "list" });
  const find = async (event) => {
    event?.preventDefault();
    await attempt(trouble, async () => {
      const receipt = await ask("return/find", { code: code.value });
      choose(place, receipt, trouble);
    });
  };
  const box = dialog(t("return_title"),
    h("form", { onsubmit: find },
      h("div", {}, h("label", { for: "return-code" }, t("receipt_code")), code),
      h("button", {}, t("show_receipt"))),
    recent.length ? h("div", { class: "list" }, h("h3", {}, t("recent")),
      h("div", { class: "actions" }, ...recent.map((one) =>
        h("button", { type: "button", class: "second", onclick: () => { code.value = one.code; find(); } },
          `${money(one.cents)} · ${hour(one.at)}`)))) : "",
    trouble, place);
  if (prefill) find();
  return box;
}

function choose(place, receipt, trouble) {
  const single = receipt.lines.length === 1;
  const amount = h("input", { id: "return-amount", inputmode: "decimal", autocomplete: "off", value: (receipt.left_cents / 100).toFixed(2).replace(".", ",") });
  const rows = receipt.lines.map((line) => ({ line, field: quantity(line) }));
  const keys = keyring();
  const submit = async (event) => {
    event.preventDefault();
    const said = single
      ? { amount_cents: centsOf(amount.value) }
      : { lines: rows.map(({ line, field }) => ({ number: line.number, quantity_milli: Math.round(Number(field.value.replace(",", ".")) * 1000) })).filter((row) => row.quantity_milli) };
    await attempt(trouble, async (box) => {
      const content = JSON.stringify(said);
      const answer = await write("return", { key: keys.of(content), code: receipt.code, ...said });
      keys.answered(content);
      if (!box.open) return warn(t("returned", { amount: money(answer.returned_cents) }));
      place.replaceChildren(
        h("p", { class: "notice" }, t("returned", { amount: money(answer.returned_cents) })),
        ...(answer.earned.length ? earned(answer.earned) : [h("p", {}, t("returned_unattached"))]));
    });
  };
  place.replaceChildren(
    h("form", { onsubmit: submit },
      h("p", {}, t("bought_at", { shop: receipt.shop, day: receipt.day, amount: money(receipt.gross_cents) })),
      single
        ? h("div", {}, h("label", { for: "return-amount" }, t("return_amount")), amount)
        : h("div", { class: "list" }, ...rows.map(({ line, field }) =>
            h("div", {}, h("label", { for: field.id }, `${line.name || t("line", { n: line.number })} · ${money(line.paid_cents)}`), field))),
      h("button", { class: "big" }, t("take_back"))));
}

function quantity(line) {
  return h("input", { id: `line-${line.number}`, type: "number", min: 0, max: line.left_milli / 1000, step: line.left_milli % 1000 ? "0.001" : 1, value: 0 });
}
