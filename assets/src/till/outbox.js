// What waits to be sent and what was refused, for the cashier to see and to sort out.
import { $, dialog, h, hour, money, t } from "./view.js";
import * as queue from "./queue.js";

let asked = 0;

/** The chip in the bar: the network, and how much waits. */
export async function status() {
  const mine = ++asked;
  const { waiting, parked } = await queue.counts();
  if (mine !== asked) return;
  const chip = $("status");
  const offline = !navigator.onLine || document.body.dataset.lost === "yes";
  chip.dataset.tone = parked ? "bad" : offline || waiting ? "warn" : "ok";
  chip.textContent = [
    offline ? t("offline") : parked || waiting ? "" : t("online"),
    waiting ? t("waiting_n", { n: waiting }) : "",
    parked ? t("parked_n", { n: parked }) : "",
  ].filter(Boolean).join(" · ");
}

/** What was typed is shown as little as a look-up would. */
function whom(body) {
  const text = body.member?.name ?? body.contact ?? "";
  return body.member ? text : text.replace(/.(?=.{2})/g, "•");
}

export async function open() {
  const place = h("ul", { class: "list" });
  let read = 0;
  const draw = async () => {
    const mine = ++read;
    const items = await queue.list();
    if (mine !== read) return;
    place.replaceChildren(...items.map((item) => row(item, draw)));
    if (!items.length) place.replaceChildren(h("li", {}, t("nothing_waits")));
  };
  // Open before anything is read: a second tap meets the dialog.
  const box = dialog(t("waits"), h("p", { class: "hint" }, t("waits_help")), place,
    h("div", { class: "actions" },
      h("button", { type: "button", onclick: () => queue.flush(undefined, true).then(draw) }, t("send_now"))));
  document.addEventListener("till:queue", draw);
  box.addEventListener("close", () => document.removeEventListener("till:queue", draw));
  await draw();
}

function row(item, draw) {
  const parked = item.state === "parked";
  return h("li", {},
    h("b", {}, `${money(item.body.amount_cents)} · ${hour(item.body.issued_at)} · ${whom(item.body)}`),
    parked ? h("p", { class: "debt" }, item.reason) : null,
    parked
      ? h("div", { class: "actions" },
          h("button", { type: "button", class: "second", onclick: () => queue.retry(item.key).then(draw) }, t("try_again")),
          h("button", { type: "button", class: "danger", onclick: () => window.confirm(t("remove_sure")) && queue.remove(item.key).then(draw) }, t("remove")))
      : null);
}
