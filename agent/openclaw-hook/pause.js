/**
 * A paused gateway: what runs ends, and nothing new is taken. OpenClaw lends that for two minutes only, so that a controller that died
 * stops nobody for ever; the agent calls the hook again before that.
 */

import { Later, Refused } from "./errors.js";
import { GatewayError } from "./gateway.js";

const RENEW_SECONDS = 45;
const REQUEST = { requestId: "clawpulse", terminalPolicy: "preserve", drain: true };

/**
 * @param {import("./host.js").Host} host
 * @param {import("./state.js").State} state
 * @throws {Refused | Later}
 */
export async function suspend(host, state) {
  const told = await steer(host, "gateway.suspend.prepare", REQUEST);
  if (told.status !== "ready" && told.status !== "draining") throw new Refused(`paused: the gateway says ${told.status}: ${told.reason ?? ""}`);
  state.suspension = String(told.suspensionId);
  host.save(state);
  host.again(RENEW_SECONDS);
}

/**
 * @param {import("./host.js").Host} host
 * @param {import("./state.js").State} state
 */
export async function resume(host, state) {
  host.again(null);
  if (!state.suspension) return;
  try {
    await steer(host, "gateway.suspend.resume", { suspensionId: state.suspension });
  } catch (error) {
    // A lease that is over, or somebody else's by now: the next question tells.
    if (!(error instanceof Refused)) throw error;
  }
  state.suspension = "";
  host.save(state);
}

/** @param {import("./host.js").Host} host @param {string} method @param {import("./json.js").Json} parameters */
async function steer(host, method, parameters) {
  try {
    return await host.call(method, parameters);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    throw error.kind === "refused" ? new Refused(`paused: ${error.message}`) : new Later(`paused: ${error.message}`);
  }
}
