// Talks to the hub. Everything is a POST: nothing personal stands in an address.
import { hear } from "./hubtime.js";
import { t } from "./view.js";

const PATIENCE_MS = 8000;

/** The hub's refusal, in words for the cashier. `status` 0: no answer came. */
export class Refused extends Error {
  constructor(status, body) {
    super(body.text ?? t(status ? "went_wrong" : "no_network"));
    this.status = status;
    this.code = body.code ?? "";
    this.body = body;
  }
}

/** Whether the same may be sent again later; anything else in the 400s stays refused. */
export function passing(status) {
  return status === 0 || status >= 500 || [401, 403, 408, 425, 429].includes(status);
}

/** Send text as it is (a repetition must be the same to the byte). */
export async function send(path, text) {
  let answer;
  try {
    answer = await fetch(`/till/${path}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Till": "1" },
      body: text,
      cache: "no-store",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch {
    throw new Refused(0, {});
  }
  hear(answer.headers.get("X-Till-Now"));
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    if (answer.status === 401 || body.code === "locked") {
      document.dispatchEvent(new CustomEvent("till:shut", { detail: body.code }));
    }
    throw new Refused(answer.status, body);
  }
  return body;
}

export const ask = (path, body = {}) => send(path, JSON.stringify(body));

/** A write with a key of its own; lost answers are asked for again, which changes nothing twice. */
export async function write(path, body) {
  const text = JSON.stringify({ ...body, key: body.key ?? crypto.randomUUID() });
  for (let left = 2; ; left--) {
    try {
      return await send(path, text);
    } catch (refused) {
      if (!(refused instanceof Refused) || !left || (refused.status && refused.status < 500)) throw refused;
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  }
}
