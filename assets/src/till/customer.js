// What a customer agreed to, and what the customer's own phone opens.
import { write } from "./api.js";
import { attempt } from "./attempt.js";
import { dialog, h, t } from "./view.js";

/** A code for the customer's phone: `came` is what the hub answered. */
export function qr(title, { svg, address }, help) {
  dialog(title,
    h("img", { class: "qr", alt: t("qr_alt"), src: `data:image/svg+xml,${encodeURIComponent(svg)}` }),
    h("p", { class: "hint" }, help),
    h("p", { class: "hint" }, new URL(address, location).host));
}

/** The customer's own account: as a code, or by mail. */
export function account(came) {
  if (came.text) dialog(t("account"), h("p", { class: "notice" }, came.text));
  else qr(t("account"), came, t("account_help"));
}

/** What the customer agreed to, each with its way out; giving is as easy, with the text shown. */
export function consents(member, all) {
  const trouble = h("p", { class: "trouble", role: "alert", hidden: true });
  const decide = (one, box) => attempt(trouble, async () => {
    const given = box.checked;
    box.checked = one.given; // until the hub has said yes
    const { controller, purpose, channel, wording } = one;
    await write("consent", { member: member.ref, controller, purpose, channel, given, wording });
    one.given = box.checked = given;
  });
  const boxes = all.map((one) =>
    h("label", { class: "tick" },
      h("input", { type: "checkbox", checked: one.given, onchange: ({ target }) => decide(one, target) }),
      h("span", {}, one.text)));
  dialog(t("consents"), h("p", { class: "hint" }, t("consents_help")), trouble, h("div", { class: "list" }, ...boxes));
}
