// The page of a campaign in preparation: what an SMS costs while it is typed, mails as they are read.
import { looked, transliterated } from "./loyalty/sms.js";

/** The text whole, as outreach/sms/compose.py writes it: filled, with STOP, cheap where it can be. */
function whole(area) {
  const values = JSON.parse(area.dataset.values);
  const text = area.value.replace(/([ \u00a0]?)\{(\w+)\}/g, (all, space, name) =>
    name in values ? values[name] && space + values[name] : all,
  );
  const full = [text.trim(), area.dataset.stop].filter(Boolean).join("\n");
  const plain = area.dataset.cheap ? transliterated(full) : full;
  return looked(plain).encoding === "gsm7" ? plain : full;
}

function said(line, { segments, left, culprits }, cents) {
  const { say, price, dear } = line.dataset;
  let text = say.replace("{n}", segments).replace("{left}", left);
  if (cents) {
    const money = new Intl.NumberFormat(document.documentElement.lang, { style: "currency", currency: "EUR", maximumFractionDigits: 3 });
    text += price.replace("{price}", money.format((segments * cents) / 100));
  }
  return culprits.length ? `${text} (${dear.replace("{signs}", culprits.join(" "))})` : text;
}

function count(area) {
  const frame = area.closest("fieldset");
  const line = frame.querySelector("[data-sms-say]");
  const bubble = frame.querySelector("[data-sms-shown]");
  const cheaper = frame.querySelector("[data-sms-cheaper]");
  const empty = !area.value.trim();
  const text = whole(area);
  line.textContent = empty ? "" : said(line, looked(text), Number(area.dataset.cents));
  bubble.hidden = empty;
  bubble.textContent = text;
  cheaper.hidden = transliterated(area.value) === area.value || looked(area.value).encoding === "gsm7";
}

for (const area of document.querySelectorAll("[data-sms]")) {
  area.addEventListener("input", () => count(area));
  area.closest("fieldset").querySelector("[data-sms-cheaper]").addEventListener("click", () => {
    area.value = transliterated(area.value);
    area.dispatchEvent(new Event("input", { bubbles: true }));
    area.focus();
  });
  count(area);
}

/** A new frame in an old one's place, shown once it has loaded: to load anew in the old one would be
 * one more page for the browser's way back. */
let frames = 0;
function renewed(frame) {
  const fresh = frame.cloneNode();
  fresh.removeAttribute("src");
  fresh.hidden = true;
  fresh.name = `preview-${(frames += 1)}`;
  frame.after(fresh); // its first, empty page loads here
  fresh.addEventListener("load", () => {
    frame.remove();
    fresh.hidden = false;
  }, { once: true });
  return fresh;
}

/** Send what is typed into a frame, beside the form: nothing is kept, and nothing counts as sent. */
function sendInto(frame, form, address) {
  const copy = document.createElement("form");
  Object.assign(copy, { method: "post", action: address, target: frame.name, hidden: true });
  for (const [name, value] of new FormData(form)) {
    copy.append(Object.assign(document.createElement("input"), { type: "hidden", name, value }));
  }
  document.body.append(copy);
  copy.submit();
  copy.remove();
}

/** A preview is asked for when it is opened, and after each save: of what is kept, or of what is
 * typed. */
function show(preview) {
  if (!preview.open) return;
  preview.querySelectorAll("iframe[hidden]").forEach((late) => late.remove());
  const frame = renewed(preview.querySelector("iframe"));
  const address = preview.dataset.preview;
  if ("typed" in preview.dataset) sendInto(frame, preview.closest("form"), address);
  else frame.src = `${address}?case=${preview.querySelector("[data-case]").value}`;
}
const previews = document.querySelectorAll("[data-preview]");
for (const preview of previews) {
  preview.addEventListener("toggle", () => show(preview));
  preview.querySelector("[data-case]").addEventListener("change", () => show(preview));
  // Who reads it is no part of what is typed.
  for (const kind of ["input", "change"]) preview.addEventListener(kind, (event) => event.stopPropagation());
}
document.addEventListener("htmx:afterSettle", ({ target }) => {
  if (target.id === "checks") previews.forEach(show);
});

// What differs from member to member is put where one writes, or at the end of the first text.
const form = document.querySelector("[data-insert]")?.form;
let written = form?.querySelector("textarea");
written?.setSelectionRange(written.value.length, written.value.length);
form?.addEventListener("focusin", ({ target }) => {
  if (target.matches("textarea, [name$='.subject']")) written = target;
});
form?.addEventListener("click", ({ target }) => {
  const insert = target.closest("[data-insert]")?.dataset.insert;
  if (!insert) return;
  for (let frame = written.closest("details"); frame; frame = frame.parentElement.closest("details")) frame.open = true;
  if (!written.checkVisibility()) written = [...form.querySelectorAll("textarea")].find((area) => area.checkVisibility()) ?? written;
  written.setRangeText(insert, written.selectionStart, written.selectionEnd, "end");
  written.dispatchEvent(new Event("input", { bubbles: true }));
  written.focus();
});

// To type a time is to choose "later".
document.querySelector("#at")?.addEventListener("input", () => {
  document.querySelector("input[name=when][value=later]").checked = true;
});
