// What waits on this device is sealed: AES-GCM under a key that no script can read out.
import { keepFirst, kept } from "./store.js";

let ready;

async function key() {
  ready ??= (async () => {
    const made = await kept.get("key");
    if (made) return made;
    const fresh = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, [
      "encrypt",
      "decrypt",
    ]);
    return keepFirst("key", fresh);
  })();
  return ready;
}

export async function seal(text) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const plain = new TextEncoder().encode(text);
  return { iv, sealed: await crypto.subtle.encrypt({ name: "AES-GCM", iv }, await key(), plain) };
}

export async function unseal({ iv, sealed }) {
  const plain = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, await key(), sealed);
  return new TextDecoder().decode(plain);
}
