// Bundle the front end into the hub's static folder: `npm ci && npm run build`.
// Everything that a browser loads comes out of here; nothing of it is committed.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "../src/chaland/hub/site/static/chaland");

const ICONS = (await readFile(join(here, "src/icons.txt"), "utf8")).split(/\s+/).filter(Boolean);

/** One sprite of the icons that the pages name, so that a page loads them once. */
async function sprite() {
  const symbols = await Promise.all(
    ICONS.map(async (name) => {
      const file = join(here, "node_modules/lucide-static/icons", `${name}.svg`);
      const svg = await readFile(file, "utf8").catch(() => {
        throw new Error(`assets/src/icons.txt: lucide has no icon "${name}"`);
      });
      const shapes = svg.replace(/<!--.*?-->/gs, "").match(/<svg[^>]*>(.*)<\/svg>/s)[1];
      return `<symbol id="${name}" viewBox="0 0 24 24">${shapes.replace(/\s*\n\s*/g, "")}</symbol>`;
    }),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`;
}

// One style sheet for all pages; each script of src/ is a bundle that pages load when they need it.
const scripts = (await readdir(join(here, "src"))).filter((name) => name.endsWith(".js"));

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
const common = {
  absWorkingDir: here,
  outdir: target,
  bundle: true,
  minify: true,
  sourcemap: false,
  legalComments: "eof", // the licences of the libraries travel with the bundles
  target: ["chrome123", "firefox128", "safari17.5"],
  metafile: true,
};
// The till's are modules: what reads codes by camera is loaded when it is first wanted.
const isTill = (name) => name.startsWith("till");
const sources = (chosen) => chosen.map((name) => `src/${name}`);
const pages = await build({
  ...common,
  entryPoints: ["src/site.css", "src/till.css", ...sources(scripts.filter((name) => !isTill(name)))],
});
const till = await build({
  ...common,
  format: "esm",
  entryPoints: sources(scripts.filter(isTill)),
});
await writeFile(join(target, "icons.svg"), await sprite());
await copyFile(join(here, "src/favicon.svg"), join(target, "favicon.svg"));
const reader = "node_modules/zxing-wasm/dist/reader/zxing_reader.wasm";
await copyFile(join(here, reader), join(target, "zxing_reader.wasm"));

for (const [path, { bytes }] of Object.entries({ ...pages.metafile.outputs, ...till.metafile.outputs })) {
  const file = join(here, path);
  const text = await readFile(file, "utf8");
  // Manifest storage fails on a map that isn't there.
  await writeFile(file, text.replace(/^.*[#@] sourceMappingURL=.*$/gm, ""));
  console.log(`${path.split("/").pop()}: ${(bytes / 1024).toFixed(0)} kB`);
}
