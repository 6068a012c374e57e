// Talks to the API beside this page: token, ETags, and errors that say what kind they are.

const BASE = new URL("..", import.meta.url);
const KEY = "clawpulse.token";
const PATIENCE_MS = 15_000;
const MAX_PAGES = 50;

export class ApiError extends Error {
  // kind: "token" (401), "permission" (403), "input" (400, 422), "server" (any other answer), "offline" (none)
  constructor(kind, message, field) {
    super(message);
    this.kind = kind;
    this.field = field;
  }
}

export const token = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

// A link may carry `#token=cp_…`: it is taken once and leaves the address bar and the history.
export function takeTokenFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given === null) return;
  history.replaceState(null, "", location.pathname + location.search);
  if (given.trim()) token.set(given.trim());
}

const known = new Map(); // address -> {etag, body} of the last answer

export function forgetAnswers() {
  known.clear();
}

// The decoded answer and whether it differs from the last one of the same address.
export async function get(path, query, signal) {
  const address = new URL(path, BASE);
  for (const [key, value] of Object.entries(query)) if (value) address.searchParams.set(key, value);
  const before = known.get(address.href);
  const headers = { Authorization: `Bearer ${token.get()}`, Accept: "application/json" };
  if (before) headers["If-None-Match"] = before.etag;
  const answer = await send(address, headers, signal);
  if (answer.status === 304 && before) return { body: before.body, changed: false };
  if (!answer.ok) throw await refusal(answer);
  const body = await answer.json().catch(() => { throw new ApiError("server", "The answer was not JSON."); });
  const etag = answer.headers.get("ETag");
  if (etag) known.set(address.href, { etag, body });
  return { body, changed: true };
}

// All rows under `key`, over all pages.
export async function getAll(path, key, query, signal) {
  const rows = [];
  let cursor, changed = false;
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer = await get(path, { ...query, limit: 1000, cursor }, signal);
    rows.push(...answer.body[key]);
    changed ||= answer.changed;
    cursor = answer.body.next;
    if (!cursor) break;
  }
  if (known.size > 100) known.clear();
  return { rows, changed };
}

async function send(address, headers, signal) {
  const limit = AbortSignal.timeout(PATIENCE_MS);
  try {
    return await fetch(address, { headers, cache: "no-store", credentials: "omit", signal: AbortSignal.any([signal, limit]) });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ApiError("offline", limit.aborted ? "No answer within 15 seconds." : "No connection.");
  }
}

const KINDS = { 400: "input", 401: "token", 403: "permission", 422: "input" };

async function refusal(answer) {
  const problem = await answer.json().catch(() => ({}));
  const text = problem.detail || problem.title || problem.message || `Status ${answer.status}.`;
  return new ApiError(KINDS[answer.status] ?? "server", text, problem.field);
}
