// Opening a locked till without a network: whoever gave the right PIN here within the last hours may
// do so again, to earn only. What the hub wants to see (the shift) is sealed by the PIN, and that by
// this device's key; five wrong tries, or fourteen hours, and it is gone.
import { seal, unseal } from "./seal.js";
import { kept } from "./store.js";

const LIVES_MS = 14 * 3_600_000;
const TRIES = 5;
const ROUNDS = 310_000;
const bytes = (text) => new TextEncoder().encode(text);
const name = (id) => `pin:${id}`;

async function keyOf(pin, salt) {
  const secret = await crypto.subtle.importKey("raw", bytes(pin), "PBKDF2", false, ["deriveKey"]);
  return crypto.subtle.deriveKey({ name: "PBKDF2", hash: "SHA-256", salt, iterations: ROUNDS }, secret,
    { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}

/** Keep what opens the till again for a seller whose PIN the hub has just found right. */
export async function keep(seller, pin) {
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await keyOf(pin, salt), bytes(JSON.stringify(seller)));
  const inner = JSON.stringify({ salt: [...salt], iv: [...iv], sealed: [...new Uint8Array(sealed)] });
  await kept.put(name(seller.id), { until: Date.now() + LIVES_MS, left: TRIES, ...(await seal(inner)) });
}

export const forget = (id) => kept.remove(name(id));

/** Open without the hub: { seller }, or { left } tries; null where this device knows no PIN. */
export async function open(id, pin) {
  const known = await kept.get(name(id));
  if (!known) return null;
  if (known.left < 1 || Date.now() > known.until || known.until > Date.now() + LIVES_MS) {
    await forget(id);
    return null;
  }
  // Counted before it is tried: closing the page in between gives no try back.
  await kept.put(name(id), { ...known, left: known.left - 1 });
  const { salt, iv, sealed } = JSON.parse(await unseal(known));
  try {
    const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv: new Uint8Array(iv) },
      await keyOf(pin, new Uint8Array(salt)), new Uint8Array(sealed));
    await kept.put(name(id), { ...known, left: TRIES });
    return { seller: JSON.parse(new TextDecoder().decode(plain)) };
  } catch (error) {
    if (error?.name !== "OperationError") throw error;
    if (known.left === 1) await forget(id);
    return { left: known.left - 1 };
  }
}
