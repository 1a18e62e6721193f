// The camera reads a card's or a receipt's code. The reader (and its WASM) is loaded at first use.
import { $, dialog, h, t, warn } from "./view.js";

const EVERY_MS = 120;

/** Open the camera; resolves to the code, or null when the cashier gives up. */
export async function scan() {
  const { scan: address, wasm } = document.body.dataset;
  let stream, reader;
  const stop = () => stream?.getTracks().forEach((track) => track.stop());
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    const { detector } = await import(address);
    reader = await detector(new URL(wasm, location).href);
  } catch {
    // No camera, not allowed, or no network to fetch the reader: for the cashier it is the same.
    stop();
    warn(t("no_camera"));
    return null;
  }
  if ($("sale").hidden) return stop() ?? null; // locked meanwhile
  const video = h("video", { playsinline: true, muted: true });
  video.srcObject = stream;
  const box = dialog(t("scan_title"), video, h("p", { class: "hint" }, t("scan_help")));
  return new Promise((resolve, reject) => {
    let over = false;
    box.addEventListener("close", () => {
      over = true;
      stop();
      resolve(null);
    });
    const look = async () => {
      const [code] = over || video.readyState < 2 ? [] : await reader.detect(video);
      if (over) return;
      if (code) {
        resolve(code.rawValue);
        box.close();
      } else setTimeout(() => look().catch(broken), EVERY_MS);
    };
    // The picture that is taken away by closing is no error.
    const broken = (error) => over || reject(error);
    video.play().then(look).catch(broken);
  });
}
