// Find the customer: one field for a number, last digits and month, an address, a name, a card.
// The hub tells which it is, so that there is one truth about it.
import { ask, Refused } from "./api.js";
import { $, h, say, t, warn } from "./view.js";

const WAIT_MS = 250;
const LETTERS_AT_LEAST = 3;

let timer;
let asked = 0;

// An invitation to a private sale: its QR's address, or its ten signs as one types them.
const INVITATION = /\/i\/[^/\s]+\/?$|^(?=.*\d)[0-9A-HJKMNP-TV-Z]{5}[ -]?[0-9A-HJKMNP-TV-Z]{5}$/i;

/** What kind of question a text is, as far as the page must know to ask at the right moment. */
export function kindOf(text) {
  const plain = text.trim();
  const digits = plain.replace(/[\s.\-()/]/g, "");
  if (/^[A-Za-z2-7]{24}$/.test(digits)) return "card";
  if (INVITATION.test(plain) && /[A-Z]/i.test(plain)) return "invitation";
  if (/@/.test(plain)) return /@.+\..{2,}$/.test(plain) ? "email" : "unfinished";
  if (/^\d{4}\s+\d{1,2}$/.test(plain)) return "digits";
  if (/^\+?\d*$/.test(digits)) return digits.replace(/\D/g, "").length >= 9 ? "phone" : "unfinished";
  return plain.length >= LETTERS_AT_LEAST ? "name" : "unfinished";
}

export function start(listeners) {
  const field = $("find");
  const go = () => look(field.value, listeners);
  field.addEventListener("input", () => {
    clearTimeout(timer);
    const kind = kindOf(field.value);
    const complete = kind === "name" || (kind === "phone" && isWhole(field.value));
    if (complete) timer = setTimeout(go, WAIT_MS);
    else if (!field.value) clear();
  });
  $("customer").addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    go();
  });
  $("customer").addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    const stops = [field, ...$("results").querySelectorAll("button")];
    const next = stops[stops.indexOf(document.activeElement) + step];
    if (next) {
      event.preventDefault();
      next.focus();
    }
  });
}

/** A French number of ten digits, or an international one that is long enough, is complete. */
function isWhole(text) {
  const digits = text.replace(/[^\d+]/g, "");
  return digits.startsWith("0") && !digits.startsWith("00") ? digits.length === 10 : digits.length >= 11;
}

export function clear() {
  clearTimeout(timer);
  asked++;
  $("results").replaceChildren();
}

/** Ask, and show what came; an answer to an older question is dropped. */
export async function look(text, listeners, typo = false) {
  const kind = kindOf(text);
  if (kind === "unfinished") {
    if (text.trim()) say(t("go_on_typing"));
    return;
  }
  if (kind === "invitation") return listeners.invited(text);
  const mine = ++asked;
  warn(null);
  let answer;
  try {
    answer = await ask("find", { text, typo });
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    if (mine !== asked) return;
    if (refused.status === 0) listeners.offline(text, kind);
    else warn(refused.message);
    return;
  }
  if (mine !== asked) return;
  const [only] = answer.found;
  // A number, an address, a card names one person: no tap is needed to say so.
  if (answer.exact && answer.found.length === 1) return listeners.chosen(only);
  show(answer, text, kind, listeners);
}

function show(answer, text, kind, listeners) {
  const rows = answer.found.map((row) =>
    h("button", { type: "button", class: "hit", onclick: () => listeners.chosen(row) },
      h("b", {}, row.name),
      h("span", { "aria-label": t("ends_in", { hint: row.hint }) }, row.hint, row.own ? " ★" : "")),
  );
  const none = !rows.length && !answer.alike;
  const alike = answer.alike ? t("alike", { n: answer.alike }) : "";
  say(!rows.length && alike ? alike : none ? t("nobody") : t(rows.length > 1 ? "found_n" : "found_one", { n: rows.length }));
  $("results").replaceChildren(
    ...rows,
    ...(alike ? [h("p", { class: "hint" }, alike)] : []),
    ...(answer.more && !alike ? [h("p", { class: "hint" }, t("more"))] : []),
    ...(none ? [h("p", {}, t("nobody"))] : []),
    h("div", { class: "actions" },
      none && kind === "name" && !answer.typo
        ? h("button", { type: "button", class: "second", onclick: () => look(text, listeners, true) }, t("with_typos"))
        : null,
      h("button", { type: "button", class: none ? "" : "second", onclick: () => listeners.unknown(text, kind) }, t("enrol"))),
  );
}
