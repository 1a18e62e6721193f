// The page of figures: the live part asks again while it is seen; the hours table reads itself out.

/** Ask for the live part every `data-poll` seconds, only while the page is seen. */
function poll(element) {
  const ask = () => {
    if (document.visibilityState === "visible") element.dispatchEvent(new Event("poll"));
  };
  setInterval(ask, Number(element.dataset.poll) * 1000);
  document.addEventListener("visibilitychange", ask);
}
document.querySelectorAll("[data-poll]").forEach(poll);

/** One tab stop for the whole table; arrows move, and the line below says the cell's interval. */
function readOut(table) {
  const line = table.closest("section").querySelector("[data-heat-say]");
  const grid = [...table.tBodies[0].rows].map((row) => [...row.cells].slice(1));
  const all = grid.flat();
  const say = (cell) => {
    const text = cell.dataset.say;
    if (!text) return;
    line.textContent = text;
    line.classList.add("is-said");
  };
  const go = (cell) => {
    all.forEach((other) => (other.tabIndex = other === cell ? 0 : -1));
    cell.focus();
  };
  all.forEach((cell, i) => {
    cell.tabIndex = i === 0 ? 0 : -1;
    cell.addEventListener("focus", () => say(cell));
    cell.addEventListener("pointerenter", () => say(cell));
    cell.addEventListener("click", () => go(cell));
  });
  table.addEventListener("keydown", (event) => {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const step = steps[event.key];
    if (!step) return;
    const y = grid.findIndex((row) => row.includes(event.target));
    if (y < 0) return;
    const next = grid[y + step[0]]?.[grid[y].indexOf(event.target) + step[1]];
    event.preventDefault();
    if (next) go(next);
  });
}
document.querySelectorAll("[data-heat]").forEach(readOut);

/** Picking a period sends the form; "choose dates" opens the two dates instead. */
function periods(select) {
  const dates = select.form.querySelector("[data-dates]");
  dates?.classList.add("is-hidden");
  select.addEventListener("change", () => {
    if (select.value !== "custom") {
      select.form.querySelectorAll("input[type=date]").forEach((input) => (input.disabled = true));
      select.form.requestSubmit();
    } else if (dates) {
      dates.classList.remove("is-hidden");
      dates.querySelector("input").focus();
    }
  });
}
document.querySelectorAll("[data-period]").forEach(periods);

/** After "back" a browser may restore what was picked last; the page shows what its address says. */
window.addEventListener("pageshow", () => {
  document.querySelectorAll("[data-period]").forEach((select) => {
    select.form.reset();
    select.form.querySelectorAll("input[type=date]").forEach((input) => (input.disabled = false));
  });
});
