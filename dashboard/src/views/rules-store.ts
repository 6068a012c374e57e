// Changes the workspace's own rules: the newest version is read, one thing in it changed, and written only if nobody else wrote meanwhile.

import { ApiError, get, send } from "../lib/api.ts";
import type { Rules } from "./rules.tsx";

export type Own = Rules["own"];
export type RuleDocument = Record<string, unknown>;

async function change(what: (own: Own) => Own): Promise<void> {
  const { body, etag } = await get<Rules>("api/rules");
  await send("PUT", "api/rules", what(body.own), etag ? { "If-Match": etag } : {});
}

const named = (own: Own, name: string): RuleDocument | undefined => own.rules?.find((one) => one.name === name);

// Puts a rule in the place of the own one called `name`, which must still be what the user saw (undefined: none).
export function putRule(name: string | null, seen: RuleDocument | undefined, rule: RuleDocument): Promise<void> {
  return change((own) => {
    if (name !== null) expect(own, name, seen);
    if (name !== rule.name && named(own, String(rule.name))) throw new ApiError("conflict", `There is an own rule ${String(rule.name)} already.`);
    const rules = own.rules ?? [];
    const at = rules.findIndex((one) => one.name === name);
    return { ...own, rules: at < 0 ? [...rules, rule] : rules.map((one, index) => (index === at ? rule : one)) };
  });
}

export function dropRule(name: string, seen: RuleDocument | undefined): Promise<void> {
  return change((own) => {
    expect(own, name, seen);
    return { ...own, rules: (own.rules ?? []).filter((one) => one.name !== name) };
  });
}

// `all`: packs in force while the document names none.
export function switchPack(pack: string, on: boolean, all: readonly string[]): Promise<void> {
  return change((own) => {
    const packs = own.packs ?? all;
    return { ...own, packs: on ? [...packs.filter((one) => one !== pack), pack] : packs.filter((one) => one !== pack) };
  });
}

function expect(own: Own, name: string, seen: RuleDocument | undefined): void {
  if (JSON.stringify(named(own, name)) === JSON.stringify(seen)) return;
  throw new ApiError("conflict", `Somebody else changed the rule ${name} meanwhile. Your text is still here: copy it, reload, and look at what is there now.`);
}
