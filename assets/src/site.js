// Behaviour that every page shares. Pages work without it; it only saves steps.
import "htmx.org";

/** A button with data-copy="#id" copies the value or text of that element. */
async function copy(button) {
  const source = document.querySelector(button.dataset.copy);
  source.select?.(); // what is left to do by hand where a plain http page has no clipboard
  await navigator.clipboard?.writeText(source.value ?? source.textContent.trim());
  if (!navigator.clipboard) return;
  const label = button.querySelector("[data-label]") ?? button;
  const before = label.textContent;
  label.textContent = button.dataset.copied;
  setTimeout(() => (label.textContent = before), 2000);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (button) copy(button);
  const opener = event.target.closest("[data-print]");
  if (opener) window.print();
  // A click elsewhere closes an open menu, as people expect of menus.
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// <select data-submit> sends its form when it changes; a button stays for those without script.
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

/** A table that is wider than its frame can be scrolled by keyboard, too. */
function watchScrolling(root) {
  const observer = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (target.scrollWidth > target.clientWidth) target.tabIndex = 0;
      else target.removeAttribute("tabindex");
    }
  });
  root.querySelectorAll(".table-scroll, .steps ol, .site-nav, .tabs").forEach((e) => observer.observe(e));
}
watchScrolling(document);
for (const here of document.querySelectorAll(".steps [aria-current], .tabs [aria-current]")) {
  here.scrollIntoView({ block: "nearest", inline: "center" });
}
document.addEventListener("htmx:afterSettle", (event) => watchScrolling(event.target));

// What is just being pressed is left alone: a button that is replaced before it is let go loses the
// press. The next answer comes soon.
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  if (detail.target.matches(":active")) detail.shouldSwap = false;
});

// <form data-confirm="…"> asks before it sends.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// <button data-ask="…">: one of several buttons of a form asks.
document.addEventListener("click", (event) => {
  const question = event.target.closest("[data-ask]")?.dataset.ask;
  if (question && !window.confirm(question)) event.preventDefault();
});

// <form data-unsaved>: the browser asks before what was typed is left.
let unsaved = false;
document.addEventListener("input", (event) => {
  unsaved ||= Boolean(event.target.form?.matches("[data-unsaved]"));
});
document.addEventListener("submit", () => {
  unsaved = false;
});
window.addEventListener("beforeunload", (event) => {
  if (unsaved) event.preventDefault();
});
