// What a workspace is set to: tokens, channels, every document that is edited as a whole, what is kept how long.

import type { JSX } from "preact";
import { href, route } from "../lib/route.ts";
import { State } from "../ui/states.tsx";
import { Channels } from "./settings-channels.tsx";
import { GROUPS, documentOf } from "./settings-documents.ts";
import { Editor } from "./settings-editor.tsx";
import { MyToken, Retention } from "./settings-facts.tsx";
import { Tokens } from "./settings-tokens.tsx";

const PAGES: Record<string, () => JSX.Element> = { tokens: Tokens, me: MyToken, retention: Retention, channels: Channels };

export default function Settings(): JSX.Element {
  const name = route.value.args[0] ?? "tokens";
  return (
    <div class="settings">
      <Tabs open={name} />
      <div class="settings-page"><Page name={name} key={name} /></div>
    </div>
  );
}

function Page({ name }: { name: string }): JSX.Element {
  const Own = PAGES[name];
  if (Own) return <Own />;
  const found = documentOf(name);
  return found ? <Editor doc={found} /> : <State symbol="∅" title="There are no such settings" text={`The address names “${name}”.`} />;
}

function Tabs({ open }: { open: string }): JSX.Element {
  const tab = (name: string, label: string): JSX.Element => <a key={name} href={href("settings", [name])} aria-current={name === open ? "page" : undefined}>{label}</a>;
  return (
    <nav class="tabs" aria-label="Settings">
      <b>Access</b>{tab("tokens", "Tokens")}{tab("me", "This token")}
      {GROUPS.map((group) => [<b key={group.label}>{group.label}</b>, ...group.documents.map((one) => tab(one.name, one.label))])}
      <b>Data</b>{tab("retention", "Retention")}
    </nav>
  );
}
