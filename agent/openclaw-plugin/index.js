/** The entry point that OpenClaw loads. */

import { register } from "./src/host.js";

export default {
  id: "clawpulse",
  name: "ClawPulse",
  description: "Sends usage, cost, outcome, latency and queues of runs to ClawPulse; never any text of a conversation",
  /** @param {import("./src/host.js").HostApi} api */
  register(api) {
    register(api, async () => {
      // Resolved by OpenClaw's own loader.
      const { onDiagnosticEvent } = await import("openclaw/plugin-sdk/diagnostic-runtime");
      return onDiagnosticEvent;
    });
  },
};
