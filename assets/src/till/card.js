// The customer's card: balances, advantages, and what can be done now.
import { $, day, h, t, units, whole } from "./view.js";

export function show({ member, card, actions, top = [], onclose }) {
  $("card").replaceChildren(
    h("div", { class: "card-head" },
      h("div", {}, h("h2", {}, member.name), h("p", { class: "hint" }, [member.hint, card?.tier].filter(Boolean).join(" · "))),
      h("button", { type: "button", class: "second", onclick: onclose }, t("another"))),
    ...top,
    ...(card ? [advantages(card), balances(card)] : []),
    h("div", { class: "actions" }, ...actions),
  );
  $("card").hidden = false;
}

function advantages(card) {
  if (!card.advantages.length) return "";
  return h("ul", { class: "notice", "aria-label": t("member_price") },
    ...card.advantages.map((text) => h("li", {}, text)));
}

export function balances(card) {
  return h("ul", { class: "balances", "aria-label": t("balances") }, ...card.balances.map(balance));
}

function balance(of) {
  const free = of.balance - of.held;
  return h("li", {},
    h("span", {}, of.name),
    h("b", {}, units(of.kind, free)),
    of.kind === "stamps" && of.goal ? stamps(free, of.goal) : null,
    of.held ? h("span", { class: "hint" }, t("held", { amount: units(of.kind, of.held) })) : null,
    of.debt ? h("span", { class: "hint debt" }, t("debt", { amount: units(of.kind, of.debt) })) : null,
    of.next_lapse
      ? h("span", { class: "hint" }, t("lapses", { amount: units(of.kind, of.next_lapse[1]), day: day(of.next_lapse[0]) }))
      : null);
}

function stamps(have, goal) {
  if (goal > 20) return null;
  const full = have >= goal;
  const dots = Array.from({ length: goal }, (_, i) => h("i", { class: i < have ? "on" : "" }));
  const left = goal - have;
  return h("span", { class: "stamps", role: "img", "aria-label": t("stamps_of", { n: whole(Math.min(have, goal)), goal: whole(goal) }) },
    ...dots,
    h("span", { class: "hint" }, full ? t("stamps_full") : left <= 2 ? t("stamps_near", { n: left }) : ""));
}

/** What a receipt moved: one line each, with its reason. */
export function earned(rows) {
  return rows.map((row) =>
    h("div", {},
      h("p", { class: "earned" }, `${row.amount > 0 ? "+" : ""}${units(row.kind, row.amount)}`),
      h("p", { class: "why" }, row.why)));
}

