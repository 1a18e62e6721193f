// Reads QR and bar codes: the browser's own reader where there is one, else ZXing in WASM, served
// by the hub itself.
import { BarcodeDetector as Reader, prepareZXingModule } from "barcode-detector/ponyfill";

const FORMATS = ["qr_code", "code_128", "ean_13"];

export async function detector(wasm) {
  const own = (await globalThis.BarcodeDetector?.getSupportedFormats?.()) ?? [];
  if (FORMATS.every((format) => own.includes(format))) {
    return new globalThis.BarcodeDetector({ formats: FORMATS });
  }
  await prepareZXingModule({ overrides: { locateFile: () => wasm }, fireImmediately: true });
  return new Reader({ formats: FORMATS });
}
