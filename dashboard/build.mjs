// Bundles the page: `node build.mjs OUTDIR`. Names of files carry a hash of their content, so that browsers may keep them for ever;
// index.html alone has a fixed name.

import { build } from "esbuild";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";

const out = process.argv[2];
if (!out) throw new Error("which folder? node build.mjs OUTDIR");
await mkdir(out, { recursive: true });

const made = await build({
  entryPoints: { app: "src/main.tsx", style: "src/style.css" },
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  minify: true,
  jsx: "automatic",
  jsxImportSource: "preact",
  outdir: out,
  entryNames: "[name]-[hash]",
  chunkNames: "part-[hash]",
  metafile: true,
  legalComments: "none",
  logLevel: "warning",
});

const files = Object.entries(made.metafile.outputs);
const pathOf = (entry) => files.find(([, output]) => output.entryPoint === entry)[0];
const named = (entry) => basename(pathOf(entry));

// All that the first view needs, so that the browser asks for it at once and not part after part.
const needed = new Set();
function need(path) {
  if (needed.has(path)) return;
  needed.add(path);
  for (const one of made.metafile.outputs[path].imports) if (one.kind === "import-statement" && !one.external) need(one.path);
}
need(pathOf("src/main.tsx"));
need(pathOf("src/views/fleet.tsx"));
const parts = [...needed].map((path) => basename(path)).filter((name) => name !== named("src/main.tsx"));
const preload = parts.map((name) => `<link rel="modulepreload" href="assets/${name}">`).join("\n  ");

const html = await readFile("src/index.html", "utf8");
await writeFile(join(out, "index.html"), html.replace("@STYLE@", named("src/style.css")).replace("@APP@", named("src/main.tsx")).replace("<!-- @PARTS@ -->", preload));
await copyFile("src/icon.svg", join(out, "icon.svg"));
await copyFile("THIRD-PARTY.txt", join(out, "third-party.txt"));
