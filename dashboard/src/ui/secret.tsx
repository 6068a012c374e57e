// A text that is shown once and taken along: a token, a link.

import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { copy } from "../lib/copy.ts";

export function Secret({ label, text }: { label: string; text: string }): JSX.Element {
  const field = useRef<HTMLInputElement>(null);
  const [told, setTold] = useState("");
  const take = async (): Promise<void> => {
    const done = await copy(text);
    // Marked, so that the keyboard does it.
    if (!done) field.current?.select();
    setTold(done ? "Copied." : "This browser does not let the page copy: the text is marked, press Ctrl+C.");
  };
  return (
    <div class="secret">
      <label><span>{label}</span><input ref={field} readOnly value={text} spellcheck={false} onFocus={(event) => event.currentTarget.select()} /></label>
      <button type="button" class="second" onClick={() => void take()}>Copy<span class="unseen"> {label.toLowerCase()}</span></button>
      <span role="status" class="soft">{told}</span>
    </div>
  );
}
