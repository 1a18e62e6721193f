// The smallest of tools to put things on the screen; texts come from the page, translated.
export const texts = JSON.parse(document.getElementById("texts").textContent);
export const language = document.documentElement.lang;

export const $ = (id) => document.getElementById(id);

/** A text of the page; {name} in it stands for a value. */
export function t(name, values = {}) {
  if (!(name in texts)) throw new Error(`no text "${name}"`);
  return texts[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

/** Make an element: h("button", { class: "x", onclick }, "text", child, null). */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === false || value == null) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false));
  return element;
}

/** Say something to a screen reader, without moving anyone's focus. */
export function say(text) {
  $("live").textContent = "";
  requestAnimationFrame(() => ($("live").textContent = text));
}

/** Show one line of trouble (or none) above what is being done. */
export function warn(text) {
  $("trouble").hidden = !text;
  $("trouble-text").textContent = text ?? "";
}

const euros = new Intl.NumberFormat(language, { style: "currency", currency: "EUR" });
export const money = (cents) => euros.format(cents / 100).replace("-", "\u2212");
const number = new Intl.NumberFormat(language);
export const whole = (units) => number.format(units);
const days = new Intl.DateTimeFormat(language, { day: "numeric", month: "long", year: "numeric" });
export const day = (iso) => days.format(new Date(`${iso}T12:00:00`));
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
export const hour = (moment) => clock.format(new Date(moment));

/** How much of an asset, in words: 4,20 €, 46 points, 3 stamps. */
export function units(kind, amount) {
  if (kind === "purse") return money(amount);
  const name = kind === "stamps" ? "stamps" : "points";
  return t(Math.abs(amount) > 1 ? name : `${name}_one`, { n: whole(amount) });
}

/** Open a dialog with a heading and content; it goes when closed. */
export function dialog(title, ...content) {
  const box = h(
    "dialog",
    { "aria-labelledby": "dialog-title" },
    h("form", { method: "dialog", class: "dialog-head" },
      h("h2", { id: "dialog-title" }, title),
      h("button", { class: "quiet", "aria-label": t("close") }, "✕")),
    ...content,
  );
  box.addEventListener("close", () => box.remove());
  document.body.append(box);
  box.showModal();
  return box;
}
