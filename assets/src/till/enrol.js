// A newcomer: two fields, and boxes that nobody has ticked before.
import { ask, Refused, write } from "./api.js";
import { attempt, keyring } from "./attempt.js";
import { dialog, h, t } from "./view.js";

/** Open the form; what was typed to look for the customer is filled in already. */
export function open(till, text, kind, { chosen }) {
  const contact = kind === "phone" || kind === "email";
  const name = h("input", { id: "new-name", maxlength: 120, required: true, autocomplete: "off", value: kind === "name" ? text.trim() : "" });
  const reach = h("input", { id: "new-contact", maxlength: 254, required: true, autocomplete: "off", inputmode: kind === "name" ? "text" : null, value: contact ? text.trim() : "" });
  const consents = h("div", { class: "list" });
  const warning = h("div", { "aria-live": "polite" });
  const over15 = h("input", { type: "checkbox", id: "over-15" });
  const keys = keyring();
  const same = (row) => { box.close(); chosen(row); };
  const save = (event, anyway = false) => {
    event.preventDefault();
    checked++; // what a check says now is older than what this will say
    return attempt(warning, async () => {
      const said = {
        name: name.value, contact: reach.value, over_15: over15.checked, anyway,
        consents: [...consents.querySelectorAll("input:checked")].map((box) => JSON.parse(box.value)),
      };
      const content = JSON.stringify(said);
      const made = await write("enrol", { key: keys.of(content), ...said });
      keys.answered(content);
      // Given up meanwhile: the newcomer is a member now, but this sale is another's.
      if (box.open) same(made.member);
    }, (refused) => {
      show(warning, refused, { chosen: same, anyway: (e) => save(e, true) });
      const wrong = { name, contact: reach }[refused.body.field];
      wrong?.setAttribute("aria-invalid", "true");
      wrong?.focus();
    });
  };
  /** Before anything is saved: is it somebody who is a member already? */
  let checked = 0;
  const check = async () => {
    const mine = ++checked;
    if (!reach.value.trim()) return;
    try {
      await ask("enrol/check", { name: name.value, contact: reach.value });
      if (mine === checked) warning.replaceChildren();
    } catch (refused) {
      if (!(refused instanceof Refused)) throw refused;
      if (mine === checked) show(warning, refused, { chosen: same });
    }
  };
  const submit = h("button", { class: "big" }, t("enrol_now"));
  const form = h("form", { onsubmit: save, autocomplete: "off" },
    h("div", {}, h("label", { for: "new-name" }, t("first_name")), name),
    h("div", {}, h("label", { for: "new-contact" }, t("contact")), reach,
      h("p", { class: "hint" }, till.notice)),
    warning,
    h("label", { class: "tick" }, over15, till.over_15),
    consents,
    submit);
  const box = dialog(t("enrol_title"), form);
  boxes(consents, till, reach.value);
  reach.addEventListener("input", () => boxes(consents, till, reach.value));
  reach.addEventListener("change", check);
  name.addEventListener("change", check);
  (name.value ? reach : name).focus();
}

/** The channel follows the contact: nobody is asked about SMS who gives an e-mail address. */
function boxes(place, till, contact) {
  const channel = contact.includes("@") ? "email" : "sms";
  if (place.dataset.channel === channel) return;
  place.dataset.channel = channel;
  place.replaceChildren(...till.controllers.map((controller) =>
    h("fieldset", {},
      h("legend", {}, controller.name),
      ...controller.asked.filter((a) => a.channel === channel || a.channel === "none").map((a) =>
        h("label", { class: "tick" },
          h("input", { type: "checkbox", value: JSON.stringify({ controller: controller.id, purpose: a.purpose, channel: a.channel, wording: a.wording }) }),
          h("span", {}, a.text))))));
}

function show(place, refused, { chosen, anyway }) {
  const found = refused.body.found ?? [];
  place.replaceChildren(
    h("p", { class: "notice warn" }, refused.message),
    ...found.map((row) =>
      h("button", { type: "button", class: "hit", onclick: () => chosen(row) },
        h("b", {}, row.name), h("span", {}, row.hint))),
    found.length && anyway && refused.code === "possible-duplicates"
      ? h("button", { type: "button", class: "second", onclick: anyway }, t("enrol_anyway"))
      : "");
}
