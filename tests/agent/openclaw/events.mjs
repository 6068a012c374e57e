/** Events as OpenClaw 2026.9.6 sends them, with what people said in them. */

export const SAID = "TEXT-OF-A-CONVERSATION";
export const NOW = 1_795_478_400_000;

const NAMES = { provider: "fixed", model: "fixed-1" };

/** Context of the hooks of a run. */
export function context(run) {
  return {
    runId: run, agentId: "main", sessionKey: `agent:main:${SAID}`, sessionId: `session-${run}`, workspaceDir: `/home/${SAID}`,
    modelProviderId: "fixed", modelId: "fixed-1", channel: "webchat", trigger: "user", senderId: SAID,
  };
}

export function callStarted(run) {
  return { runId: run, callId: `${run}:model:1`, sessionId: `session-${run}`, ...NAMES };
}

export function callEnded(run, more = {}) {
  return { ...callStarted(run), durationMs: 130, timeToFirstByteMs: 109, outcome: "completed", ...more };
}

export function output(run, usage = { input: 1000, output: 34, cacheRead: 200, cacheWrite: 0, total: 1234, cost: { total: 0.00357 } }) {
  return {
    runId: run, sessionId: `session-${run}`, ...NAMES, prompt: SAID, assistantTexts: [SAID],
    lastAssistant: { role: "assistant", content: [{ type: "text", text: SAID }] }, ...(usage ? { usage } : {}),
  };
}

export function ended(run, { success = true, error, last = { stopReason: "stop" }, durationMs = 800 } = {}) {
  const said = (role) => ({ role, content: [{ type: "text", text: SAID }] });
  return { runId: run, success, error, durationMs, messages: [said("user"), { ...said("assistant"), ...last }, said("toolResult")] };
}

/** The model's last message after a refusal of its provider; `success` of such a run is true. */
export function refusal(code, message) {
  return { stopReason: "error", errorMessage: message, errorCode: String(code), errorType: "server_error", errorBody: SAID };
}

let seq = 0;

export function phase(run, name, ts) {
  return { type: "run.execution_phase", runId: run, sessionId: `session-${run}`, phase: name, seq: (seq += 1), ts };
}

export function sessionState(run, state, ts) {
  return { type: "session.state", sessionId: `session-${run}`, sessionKey: `agent:main:${SAID}`, state, seq: (seq += 1), ts };
}

export function enqueue(lane, queueSize, ts) {
  return { type: "queue.lane.enqueue", lane, queueSize, seq: (seq += 1), ts };
}

export function dequeue(lane, queueSize, waitMs, ts) {
  return { type: "queue.lane.dequeue", lane, queueSize, waitMs, seq: (seq += 1), ts };
}
