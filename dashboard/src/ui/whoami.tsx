// What the token may do, in the frame; more in the settings.

import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { duration, time } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { type Me, mayDo, me } from "../lib/me.ts";
import { href, kiosk } from "../lib/route.ts";
import { useNow } from "./basics.tsx";

const EVERY_MS = 60_000;
const SOON_MS = 86_400_000;

export function WhoAmI(): JSX.Element | null {
  const { data } = useLive<Me>("api/me", {}, { every: EVERY_MS });
  const now = useNow(EVERY_MS);
  useEffect(() => { me.value = data; }, [data]);
  useEffect(() => () => { me.value = null; }, []);
  if (!data || kiosk.value) return null;
  const limits = data.tags ? ` · ${data.tags}` : "";
  const left = (time(data.expires) ?? Infinity) - now;
  return <a id="who" href={href("settings", ["me"])} title={`${data.name ?? data.id}: ${data.scopes.join(", ")}${limits}`}><span class="unseen">This token may: </span>{mayDo(data)}{limits}{left < SOON_MS ? ` · for ${duration(Math.max(0, left) / 1000)} more` : ""}</a>;
}
