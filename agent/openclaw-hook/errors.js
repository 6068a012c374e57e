/** What ends an application of a configuration, and how it is told: on one line, short, without secrets. */

const MAX_WORDS = 250;
/** An exit code of its own (`EX_TEMPFAIL`): nothing was changed, and another try may succeed. */
export const AGAIN = 75;
export const REFUSED = 1;

/** The configuration cannot be had: by what it says, or because OpenClaw does not take it. */
export class Refused extends Error {}

/** Nothing was changed, and nothing is wrong with the configuration: the gateway could not be asked. */
export class Later extends Error {}

/** @type {ReadonlyArray<readonly [RegExp, string]>} */
const SECRETS = [
  [/\b((?:bearer|basic|[\w-]*(?:token|key|secret|password))["']?\s*[:=]\s*["']?)[^\s"',;}]{4,}/gi, "$1***"],
  [/\b(bearer|basic) +[^\s"',;}]{4,}/gi, "$1 ***"],
  [/\b(?:sk|pk|rk|xox[a-z]|xapp|gh[a-z]|cp|AKIA|AIza|eyJ)[-_A-Za-z0-9.]{6,}/g, "***"],
  [/(?<![/\w.-])(?=[A-Za-z0-9_+-]*\d)(?=[A-Za-z0-9_+-]*[A-Za-z])[A-Za-z0-9_+-]{32,}/g, "***"],
];

/** @param {unknown} error @returns {string} its words */
export function words(error) {
  let text = String(error instanceof Error ? error.message : error).slice(0, 4_000);
  text = text.replace(/[\s\u0000-\u001f\u007f-\u009f]+/g, " ").trim();
  // OpenClaw's word for the name of a setting, which is no secret: so that neither this nor the agent takes it for one.
  text = text.replace(/\b(keys?): (?=")/g, "$1 ");
  for (const [pattern, hidden] of SECRETS) text = text.replace(pattern, hidden);
  return text.length > MAX_WORDS ? `${text.slice(0, MAX_WORDS - 1)}…` : text;
}
