/** Another version of OpenClaw, by its own updater, which tests it beside the old one first. Going back is not always possible. */

import { Refused, words } from "./errors.js";
import { isObject } from "./json.js";

const UPDATE_SECONDS = 600;
const PREVIEW_MS = 60_000;

/**
 * @param {import("./host.js").Host} host
 * @param {string | null} wanted
 * @returns {Promise<boolean>} whether it is another version now, whose gateway may still be starting
 * @throws {Refused}
 */
export async function update(host, wanted) {
  if (wanted === null || (await installed(host)) === wanted) return false;
  if (host.budget < (UPDATE_SECONDS - 10) * 1_000) {
    throw new Refused(`version ${wanted}: an update takes minutes; set CLAWPULSE_HOOK_SECONDS to at least ${UPDATE_SECONDS}`);
  }
  const asked = ["update", "--tag", wanted, "--json", "--yes"];
  const refused = refusal(report(await host.openclaw([...asked, "--dry-run"], { ms: PREVIEW_MS })));
  if (refused) throw new Refused(`version ${wanted}: ${refused}`);
  const failed = refusal(report(await host.openclaw(asked, { ms: host.left() })));
  const now = await installed(host);
  if (now !== wanted) throw new Refused(`version ${wanted}: ${failed || `OpenClaw says that it is ${now || "of no version"}`}`);
  return true;
}

/** @param {import("./host.js").Host} host @returns {Promise<string>} */
async function installed(host) {
  const { out } = await host.openclaw(["--version"]);
  return /\b(\d{4}\.\d{1,2}\.\d{1,3}(?:-[0-9A-Za-z.-]+)?)/.exec(out)?.[1] ?? "";
}

/** @param {import("./command.js").Ended} ended @returns {import("./json.js").Json} */
function report({ out, err, code }) {
  try {
    const found = JSON.parse(out.slice(out.indexOf("{")));
    if (isObject(found)) return found;
  } catch {
    // What it said goes into the reason.
  }
  return { status: "error", reason: words(err || out).slice(0, 150) || `openclaw update ended with code ${code}` };
}

/**
 * @param {import("./json.js").Json} told by `openclaw update --json`
 * @returns {string} why there is no such update, or what became of it; empty: it can be had
 */
export function refusal(told) {
  const note = [told.notes].flat().find((each) => /would refuse/i.test(String(each)));
  if (note) return words(note);
  const bad = told.status && !["ok", "success", "succeeded"].includes(String(told.status));
  if (!bad || (told.status === "skipped" && told.reason === "already-current")) return "";
  return words(`openclaw update: ${told.status}${told.reason ? `, ${told.reason}` : ""}`);
}
