// Where in the page somebody is: `#/agents/a7?range=24h`. The fleet's filter stands before it, `?tags=env=prod&by=tier&health=red`: it
// goes along from view to view, and an address that is shared shows the same.

import { computed, signal } from "@preact/signals";
import { HEALTH, type Health } from "./format.ts";

export interface Route {
  view: string;
  args: string[];
  query: Record<string, string>;
}

export interface Filter {
  tags: string;
  by: string;
  health: Health[];
}

const HOME = "fleet";

export const route = signal<Route>(readRoute());
export const filter = signal<Filter>(readFilter());
export const kiosk = computed(() => route.value.query.kiosk !== undefined || new URLSearchParams(location.search).has("kiosk"));

function readRoute(): Route {
  const [path = "", query = ""] = location.hash.replace(/^#\/?/, "").split("?", 2);
  const [view, ...args] = path.split("/").filter(Boolean).map(decode);
  return { view: view && !view.includes("=") ? view : HOME, args, query: Object.fromEntries(new URLSearchParams(query)) };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function readFilter(): Filter {
  const query = new URLSearchParams(location.search);
  const health = (query.get("health") ?? "").split(",").filter((one): one is Health => (HEALTH as readonly string[]).includes(one));
  return { tags: query.get("tags") ?? "", by: query.get("by") ?? "", health };
}

// The address of a place in the page, for links.
export function href(view: string, args: readonly string[] = [], query: Record<string, string | undefined> = {}): string {
  const path = [view, ...args].map(encodeURIComponent).join("/");
  const text = new URLSearchParams(Object.entries(query).filter((pair): pair is [string, string] => Boolean(pair[1]))).toString();
  return `${location.search}#/${path}${text ? `?${text}` : ""}`;
}

export function go(view: string, args: readonly string[] = [], query: Record<string, string | undefined> = {}): void {
  location.assign(href(view, args, query) || "#");
}

// Changes the view's own query, without a new step in the history.
export function show(change: Record<string, string | undefined>): void {
  const { view, args, query } = route.value;
  history.replaceState(null, "", href(view, args, { ...query, ...change }));
  route.value = readRoute();
}

export function narrow(change: Partial<Filter>): void {
  filter.value = { ...filter.value, ...change };
  const { tags, by, health } = filter.value;
  const query = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries({ tags, by, health: health.join(",") })) value ? query.set(key, value) : query.delete(key);
  const text = query.toString();
  history.replaceState(null, "", location.pathname + (text ? `?${text}` : "") + location.hash);
}

// After the address was changed without the browser telling so.
export function readAddress(): void {
  route.value = readRoute();
}

addEventListener("hashchange", readAddress);
addEventListener("popstate", () => {
  route.value = readRoute();
  filter.value = readFilter();
});
