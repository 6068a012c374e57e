// The draft of a postmortem, to copy or save, and to be completed by people.

import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { tell, useAction } from "../lib/actions.tsx";
import { type ApiError, download, errorOf, getText } from "../lib/api.ts";
import { Dialog } from "../ui/basics.tsx";

export function Postmortem({ id, onClose }: { id: string; onClose: () => void }): JSX.Element {
  const path = `api/incidents/${encodeURIComponent(id)}/postmortem`;
  const [text, setText] = useState<string | null>(null);
  const [failed, setFailed] = useState<ApiError | null>(null);
  const { busy, run } = useAction();
  useEffect(() => {
    const asked = new AbortController();
    getText(path, asked.signal).then(setText, (fault: unknown) => { if (!asked.signal.aborted) setFailed(errorOf(fault)); });
    return () => asked.abort();
  }, [path]);
  const copy = (): void => { navigator.clipboard.writeText(text ?? "").then(() => tell("Copied."), () => tell("The browser did not allow it: select the text and copy it.", "bad")); };
  return (
    <Dialog title="Draft of a postmortem" onClose={onClose} wide>
      {failed ? <p class="fault" role="alert">{failed.message}</p> : text === null ? <p class="nothing">Asking the API.</p> : <pre class="json" tabIndex={0}>{text}</pre>}
      <div class="buttons">
        <button type="button" disabled={busy || text === null} onClick={() => void run(() => download(path, {}, `postmortem-${id}.md`), "Saved.")}>Save as Markdown</button>
        <button type="button" class="second" disabled={text === null} onClick={copy}>Copy</button>
      </div>
    </Dialog>
  );
}
