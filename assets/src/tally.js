// A tally by taps. Every tap is kept on this phone at once, so that a closed tab loses nothing;
// times are sent as "seconds ago", so that a wrong clock does no harm.
const page = document.querySelector("[data-tally]");
const key = `tally-${page.dataset.tally}`;
const part = (name) => page.querySelector(`[data-${name}]`);
const LONGEST_S = 12 * 3600;

let tally = JSON.parse(localStorage.getItem(key) ?? "null");
if (tally && Date.now() - tally.start > LONGEST_S * 1000) tally = null;

const inside = () => tally.present + tally.taps.reduce((sum, [, step]) => sum + step, 0);

function keep() {
  if (tally) localStorage.setItem(key, JSON.stringify(tally));
  else localStorage.removeItem(key);
  show();
}

function show() {
  part("start").hidden = Boolean(tally);
  part("counting").hidden = !tally;
  if (!tally) return;
  part("present").textContent = inside();
  part("entered").textContent = tally.taps.filter(([, step]) => step > 0).length;
  part("undo").disabled = tally.taps.length === 0;
  part("step='-1'").disabled = inside() === 0;
  clock();
}

function clock() {
  if (!tally) return;
  const lasted = Math.max(0, Math.round((Date.now() - tally.start) / 1000));
  part("lasted").textContent = `${Math.floor(lasted / 60)}:${String(lasted % 60).padStart(2, "0")}`;
}

part("start").addEventListener("submit", (event) => {
  event.preventDefault();
  tally = { start: Date.now(), present: Number(page.querySelector("#present-now").value), taps: [] };
  keep();
});

page.querySelectorAll("[data-step]").forEach((button) =>
  button.addEventListener("click", () => {
    tally.taps.push([Date.now(), Number(button.dataset.step)]);
    navigator.vibrate?.(15);
    keep();
  }),
);

part("undo").addEventListener("click", () => {
  tally.taps.pop();
  keep();
});

part("discard").addEventListener("click", () => {
  if (!window.confirm(part("finish").dataset.question)) return;
  tally = null;
  keep();
});

part("finish").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const now = Date.now();
  form.present.value = tally.present;
  form.lasted_s.value = Math.ceil((now - tally.start) / 1000);
  form.taps.value = JSON.stringify(tally.taps.map(([at, step]) => [(now - at) / 1000, step]));
  const failed = part("failed");
  failed.hidden = true;
  const answer = await fetch(form.action, { method: "POST", body: new FormData(form) }).catch(() => null);
  const said = await answer?.json().catch(() => ({}));
  if (!answer?.ok) {
    // Nothing is lost: the taps stay on this phone, and the page says why.
    failed.textContent = said?.problem ?? failed.dataset.offline;
    failed.hidden = false;
    return;
  }
  localStorage.removeItem(key);
  location.assign(said.next);
});

setInterval(clock, 1000);
show();
