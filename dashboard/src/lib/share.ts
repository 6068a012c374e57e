// Links that show what is on screen to somebody without a token, and what they may then see.

import { filter, route } from "./route.ts";

export interface Limits {
  // Tags that a token can be limited to.
  tags: Record<string, string>;
  // Matchers of the filter that only narrow what is shown: whoever has the link can take them away.
  rest: string[];
}

export function limitsOf(selector: string): Limits {
  const limits: Limits = { tags: {}, rest: [] };
  for (const matcher of selector.split(",").map((one) => one.trim()).filter(Boolean)) {
    const [, key, value] = /^([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*([^~=|!][^=|!]*)$/.exec(matcher) ?? [];
    // An agent's id is no tag.
    key && value && key !== "agent" && !(key in limits.tags) ? (limits.tags[key] = value) : limits.rest.push(matcher);
  }
  return limits;
}

export interface Wall {
  views: readonly string[];
  seconds: number;
}

// The address of what is on screen, or of a wall screen, with a token that is taken once.
export function linkTo(token: string, wall: Wall | null): string {
  const address = new URL(location.pathname, location.origin);
  const { tags, by, health } = filter.value;
  for (const [key, value] of Object.entries({ tags, by, health: health.join(",") })) if (value) address.searchParams.set(key, value);
  if (wall) for (const [key, value] of Object.entries({ kiosk: "1", cycle: String(wall.seconds), views: wall.views.join(",") })) address.searchParams.set(key, value);
  address.hash = new URLSearchParams({ share: token, view: wall ? `/${wall.views[0] ?? ""}` : placeNow() }).toString();
  return address.href;
}

function placeNow(): string {
  const { view, args, query } = route.value;
  const text = new URLSearchParams(query).toString();
  return `/${[view, ...args].map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}
