// The amount: typed as on a card terminal (2 3 5 0 is 23.50), by thumb or by keyboard; a comma or a
// point says that what stands before it are euros.
import { $, money } from "./view.js";

const LONGEST = 8;
let typed = "";
let finished = false;
let held = null; // keys pressed while the hub's answer about this sale is on its way

export function cents() {
  const [euros, rest] = typed.split(",");
  if (rest === undefined) return Number(typed || 0);
  return Number(euros || 0) * 100 + Number(rest.padEnd(2, "0"));
}

/** After a sale is done the next digit begins another. */
export function finish() {
  finished = true;
}

/** Until `release` keys wait: typed ahead, they are the next sale's, and none of them may be lost. */
export function hold() {
  held = [];
}

/** Take the keys that waited as if they were pressed now; `drop`: forget them. */
export function release(drop = false) {
  const keys = drop ? [] : (held ?? []);
  held = null;
  keys.forEach(press);
}

/** What stands here, to be put back by `restore` when what was typed since was a scanner's. */
export const mark = () => ({ typed, waiting: held?.length ?? 0 });

export function restore({ typed: before, waiting }) {
  if (held) held.length = Math.min(held.length, waiting);
  typed = before;
  show();
}

export function press(key) {
  if (held) return held.push(key);
  if (finished) {
    finished = false;
    typed = "";
    document.dispatchEvent(new Event("till:next"));
  }
  if (key === "back") typed = typed.slice(0, -1);
  else if (key === ",") typed += typed.includes(",") ? "" : ",";
  else if (typed.includes(",")) typed = (typed + key).replace(/(,\d\d)\d+$/, "$1");
  else typed = (typed + key).replace(/^0+(?=\d)/, "");
  if (typed.replace(",", "").length > LONGEST) typed = typed.slice(0, LONGEST);
  show();
}

export function set(value) {
  finished = false;
  typed = value ? String(value) : "";
  show();
}

function show() {
  $("amount").value = typed ? money(cents()) : "";
  document.dispatchEvent(new Event("till:amount"));
}

/** Listen to the pad and to the field; the field itself never holds free text. */
export function start() {
  $("amount").placeholder = money(0);
  $("pad").addEventListener("click", ({ target }) => {
    const key = target.closest("[data-key]")?.dataset.key;
    if (key) press(key);
  });
  $("amount").addEventListener("beforeinput", (event) => {
    event.preventDefault();
    if (event.inputType.startsWith("delete")) press("back");
    const said = event.data ?? event.dataTransfer?.getData("text") ?? "";
    for (const sign of said.replace(/\./g, ",").replace(/[^\d,]/g, "")) press(sign);
  });
}
