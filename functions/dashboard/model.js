// What the page keeps of the API's answers: times as ms, percentiles flat, every field there.

import { time } from "./format.js";

const latency = ({ p50, p95, p99 }) => ({ p50, p95, p99 });

export function agentOf({ health, lastSeen, latency: measured, ...rest }) {
  return { ...rest, ...latency(measured), status: health.status, reason: health.reason, since: time(health.since), lastSeen: time(lastSeen) };
}

export function fleetOf({ latency: measured, errorRate1m, asOf, ...rest }) {
  return { ...rest, ...latency(measured), errorRate: errorRate1m, time: time(asOf) };
}
