// Talks to the API beside this page: token, ETags, and errors that say what kind they are.

import { token } from "./session.ts";

export const BASE = new URL("..", import.meta.url);
const PATIENCE_MS = 29_000;
const MAX_PAGES = 50;
const MAX_KNOWN = 200;

export type Query = Record<string, string | number | boolean | null | undefined>;
export type Kind = "token" | "permission" | "missing" | "input" | "conflict" | "server" | "offline";

export class ApiError extends Error {
  constructor(readonly kind: Kind, message: string, readonly problem: Record<string, unknown> = {}) {
    super(message);
  }

  get field(): string | undefined {
    return typeof this.problem.field === "string" ? this.problem.field : undefined;
  }

  get faults(): { path: string; message: string }[] {
    const found = this.problem.faults ?? this.problem.errors;
    return Array.isArray(found) ? found.map((one) => ({ path: String(one.path ?? one.field ?? ""), message: String(one.message ?? one.reason ?? one.detail ?? "") })) : [];
  }
}

interface Known {
  etag: string;
  body: unknown;
}

const known = new Map<string, Known>(); // address -> the last answer

export function forgetAnswers(): void {
  known.clear();
  composed.clear();
}

export interface Got<T> {
  body: T;
  // Whether it differs from the last answer of the same address; the body of an answer that does not is the same object.
  changed: boolean;
  etag: string | null;
}

export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<Got<T>> {
  const address = addressOf(path, query);
  const before = known.get(address.href);
  const headers: Record<string, string> = { Accept: "application/json" };
  if (before) headers["If-None-Match"] = before.etag;
  const answer = await request(address, { headers }, signal);
  if (answer.status === 304 && before) return { body: before.body as T, changed: false, etag: before.etag };
  const body = await read<T>(answer);
  const etag = answer.headers.get("ETag");
  if (etag) {
    if (known.size >= MAX_KNOWN) known.delete(known.keys().next().value as string);
    known.set(address.href, { etag, body });
  }
  return { body, changed: true, etag };
}

const composed = new Map<string, unknown[]>(); // address of the first page -> the rows of all, as they were last

// All rows under `key`, over all pages; the same array as before when none changed.
export async function getAll<T>(path: string, key: string, query: Query = {}, signal?: AbortSignal): Promise<Got<T[]>> {
  const rows: T[] = [];
  let cursor: string | null = null, changed = false;
  for (let page = 0; page < MAX_PAGES; page++) {
    const answer: Got<Record<string, unknown>> = await get(path, { limit: 1000, ...query, cursor }, signal);
    rows.push(...(answer.body[key] as T[]));
    changed ||= answer.changed;
    cursor = (answer.body.next as string | null | undefined) ?? null;
    if (!cursor) break;
  }
  const address = addressOf(path, { limit: 1000, ...query }).href;
  const before = composed.get(address) as T[] | undefined;
  if (!changed && before?.length === rows.length) return { body: before, changed, etag: null };
  composed.set(address, rows);
  return { body: rows, changed: true, etag: null };
}

export interface Sent<T> {
  body: T;
  status: number;
  etag: string | null;
}

export async function send<T>(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Sent<T>> {
  const content = body === undefined ? {} : { body: JSON.stringify(body) };
  const type: Record<string, string> = body === undefined ? {} : { "Content-Type": "application/json" };
  const answer = await request(addressOf(path, {}), { method, ...content, headers: { Accept: "application/json", ...type, ...headers } });
  return { body: await read<T>(answer), status: answer.status, etag: answer.headers.get("ETag") };
}

// An answer that is text, and no JSON.
export async function getText(path: string, signal?: AbortSignal): Promise<string> {
  const answer = await request(addressOf(path, {}), { headers: { Accept: "text/*" } }, signal);
  if (!answer.ok) throw await refusal(answer);
  return answer.text();
}

// A file that needs the token, for saving.
export async function download(path: string, query: Query, name: string): Promise<void> {
  const answer = await request(addressOf(path, query), { headers: { Accept: "*/*" } });
  if (!answer.ok) throw await refusal(answer);
  const url = URL.createObjectURL(await answer.blob());
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  URL.revokeObjectURL(url);
}

export function addressOf(path: string, query: Query): URL {
  const address = new URL(path.replace(/^\//, ""), BASE);
  for (const [key, value] of Object.entries(query)) if (value !== null && value !== undefined && value !== "") address.searchParams.set(key, String(value));
  return address;
}

async function request(address: URL, options: RequestInit, signal?: AbortSignal): Promise<Response> {
  const limit = AbortSignal.timeout(PATIENCE_MS);
  const headers = { ...options.headers, Authorization: `Bearer ${token.value ?? ""}` };
  try {
    return await fetch(address, { ...options, headers, cache: "no-store", credentials: "omit", signal: signal ? AbortSignal.any([signal, limit]) : limit });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError("offline", limit.aborted ? "No answer within 29 seconds." : "No connection.");
  }
}

async function read<T>(answer: Response): Promise<T> {
  if (!answer.ok) throw await refusal(answer);
  if (answer.status === 204) return null as T;
  return answer.json().catch(() => { throw new ApiError("server", "The answer was not JSON."); }) as Promise<T>;
}

const KINDS: Record<number, Kind> = { 400: "input", 401: "token", 403: "permission", 404: "missing", 409: "conflict", 412: "conflict", 422: "input" };

async function refusal(answer: Response): Promise<ApiError> {
  const problem: Record<string, unknown> = await answer.json().catch(() => ({}));
  const text = problem.detail || problem.title || problem.message || `Status ${answer.status}.`;
  return new ApiError(KINDS[answer.status] ?? "server", String(text), problem);
}

export const errorOf = (error: unknown): ApiError =>
  error instanceof ApiError ? error : new ApiError("server", error instanceof Error ? error.message : String(error));
