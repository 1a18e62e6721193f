// Receipts on their way to the hub. Each is on this device's disk, sealed, before anything is sent,
// and leaves it only when the hub has said yes: whatever crashes, nothing is lost, nothing doubled
// (the key makes a repetition the same receipt).
import { passing, Refused, send } from "./api.js";
import { seal, unseal } from "./seal.js";
import { queue } from "./store.js";
import { t } from "./view.js";

const EVERY_MS = 20_000;
const LONGEST_WAIT_MS = 10 * 60_000;
const SHUT = [401, 403]; // the device or its seller is not let in: nothing else will be

const changed = () => document.dispatchEvent(new Event("till:queue"));
const others = new BroadcastChannel("till-queue");
others.onmessage = changed;

function tell() {
  changed();
  others.postMessage("changed");
}

/** Put a receipt on the disk; returns its key. */
export async function add(body, shop) {
  const key = crypto.randomUUID();
  const text = JSON.stringify({ ...body, key });
  await queue.put({ key, shop, made: Date.now(), state: "waiting", reason: "", ...(await seal(text)) });
  tell();
  return { key, text };
}

/** What waits and what was refused, oldest first, opened for the cashier's eyes. */
export async function list() {
  const items = (await queue.all()).sort((a, b) => a.made - b.made);
  return Promise.all(
    items.map(async (item) => ({ ...item, body: JSON.parse(await unseal(item)) })),
  );
}

export async function counts() {
  const items = await queue.all();
  const parked = items.filter((item) => item.state === "parked").length;
  return { waiting: items.length - parked, parked };
}

/** Take a receipt out before it was sent (undo without a network), or a refused one for good.
 *  False: it was gone, so it has been sent. */
export async function remove(key) {
  const there = await navigator.locks.request("till-queue", async () => {
    const item = await queue.get(key);
    await queue.remove(key);
    return Boolean(item);
  });
  tell();
  return there;
}

export async function retry(key) {
  await navigator.locks.request("till-queue", async () => {
    const item = await queue.get(key);
    if (item) await queue.put({ ...item, state: "waiting", reason: "", tries: 0, after: 0 });
  });
  return flush();
}

let shopNow = null;

/** When a receipt that couldn't be taken just now is tried again: each time twice as late. */
function later(item, { body }) {
  const tries = (item.tries ?? 0) + 1;
  const wait = Math.max(2 ** tries * 5000, (body.retry_after_s ?? 0) * 1000);
  return { ...item, tries, after: Date.now() + Math.min(wait, LONGEST_WAIT_MS) };
}

const inTurn = (a, b) => (a.tries ?? 0) - (b.tries ?? 0) || a.made - b.made;

/** Send what waits, one after the other, one tab at a time; one that is stuck holds up no other.
 *  `all`: also what has been told to wait. Answers by key. */
export async function flush(shop = shopNow, all = false) {
  shopNow = shop;
  const answers = new Map();
  if (shop === null) return answers;
  await navigator.locks.request("till-queue", async () => {
    const now = Date.now();
    // A clock that was put back must not make a receipt wait for ever.
    const due = ({ after = 0 }) => all || after <= now || after > now + LONGEST_WAIT_MS;
    const items = (await queue.all()).filter((item) => item.state === "waiting" && due(item));
    for (const item of items.sort(inTurn)) {
      if (item.shop !== shop) {
        await queue.put({ ...item, state: "parked", reason: t("other_shop") });
        continue;
      }
      try {
        answers.set(item.key, await send("receipts", await unseal(item)));
        await queue.remove(item.key);
      } catch (refused) {
        if (!(refused instanceof Refused)) throw refused;
        answers.set(item.key, refused);
        if (SHUT.includes(refused.status)) break;
        if (refused.status === 0) {
          // No network, or one receipt that the hub chokes on: the others go first next time.
          await queue.put({ ...item, tries: (item.tries ?? 0) + 1 });
          break;
        }
        await queue.put(passing(refused.status) ? later(item, refused) : { ...item, state: "parked", reason: refused.message });
      }
    }
  });
  if (answers.size) tell();
  return answers;
}

/** Send one receipt and what waits before it; another tab may have sent it: then ask again. */
export async function deliver({ key, text }) {
  const answer = (await flush()).get(key);
  if (answer) return answer;
  const item = await queue.get(key);
  if (item) return new Refused(0, {});
  return send("receipts", text).catch((refused) => refused);
}

/** Try whenever there is hope: the network is back, the page is looked at, some time has passed. */
export function keepTrying() {
  const attempt = () => counts().then(({ waiting }) => waiting && flush()).catch(() => {});
  addEventListener("online", attempt);
  document.addEventListener("visibilitychange", () => document.hidden || attempt());
  setInterval(attempt, EVERY_MS);
  attempt();
}
