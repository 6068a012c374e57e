// The way through a list that the API gives page by page, newest first.

import type { JSX } from "preact";

interface Props {
  // Of the page that is shown; empty on the newest.
  cursor: string | undefined;
  // Of the page after it.
  next: string | null;
  // With the cursor of the page to show; undefined is the newest.
  go: (cursor: string | undefined) => void;
}

export function Pages({ cursor, next, go }: Props): JSX.Element | null {
  if (!cursor && !next) return null;
  return (
    <div class="buttons">
      {cursor ? <button type="button" class="second" onClick={() => go(undefined)}>Newest</button> : null}
      {next ? <button type="button" class="second" onClick={() => go(next)}>Older</button> : null}
    </div>
  );
}
