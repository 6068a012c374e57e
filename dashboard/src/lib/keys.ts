// Keyboard: single keys, and two in a row (`g a`). Not while somebody types.

export interface Shortcut {
  keys: string; // "/", "?", "g a"
  label: string;
  run: () => void;
}

const shortcuts = new Map<string, Shortcut>();
const WITHIN_MS = 1_500;
let prefix = "", since = 0;

export function bind(given: readonly Shortcut[]): () => void {
  for (const one of given) shortcuts.set(one.keys, one);
  return () => { for (const one of given) if (shortcuts.get(one.keys) === one) shortcuts.delete(one.keys); };
}

export const bound = (): Shortcut[] => [...shortcuts.values()];

const typing = (target: EventTarget | null): boolean => target instanceof Element && target.closest("input:not([type=checkbox]):not([type=range]), select, textarea, [contenteditable]") !== null;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
  const now = Date.now();
  const keys = prefix && now - since < WITHIN_MS ? `${prefix} ${event.key}` : event.key;
  const found = shortcuts.get(keys) ?? shortcuts.get(event.key);
  const starts = [...shortcuts.keys()].some((one) => one.startsWith(`${event.key} `));
  prefix = !shortcuts.has(keys) && starts ? event.key : "";
  since = now;
  if (!found || (prefix && !shortcuts.has(keys))) return;
  event.preventDefault();
  found.run();
});
