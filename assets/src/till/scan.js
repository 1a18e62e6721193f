// The camera reads a card's or a receipt's code. The reader (and its WASM) is loaded at first use.
import { dialog, h, t, warn } from "./view.js";

const EVERY_MS = 120;

/** Open the camera; resolves to the code, or null when the cashier gives up. */
export async function scan() {
  const { scan: address } = document.body.dataset;
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  } catch {
    warn(t("no_camera"));
    return null;
  }
  const { detector } = await import(address);
  const reader = await detector(new URL(document.body.dataset.wasm, location).href);
  const video = h("video", { playsinline: true, muted: true });
  video.srcObject = stream;
  const box = dialog(t("scan_title"), video, h("p", { class: "hint" }, t("scan_help")));
  return new Promise((resolve) => {
    let over = false;
    box.addEventListener("close", () => {
      over = true;
      stream.getTracks().forEach((track) => track.stop());
      resolve(null);
    });
    const look = async () => {
      if (over) return;
      const [code] = video.readyState >= 2 ? await reader.detect(video) : [];
      if (code) {
        resolve(code.rawValue);
        box.close();
      } else setTimeout(look, EVERY_MS);
    };
    video.play().then(look);
  });
}
