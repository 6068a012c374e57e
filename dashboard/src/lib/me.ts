// Who is signed in: asked by the frame, shown by whoever wants to tell what the token may.

import { signal } from "@preact/signals";

export interface Me {
  id: string;
  name: string | null;
  workspace: string;
  scopes: string[];
  tags: string;
  expires: string | null;
}

export const me = signal<Me | null>(null);

// The strongest of the scopes, which says all that matters to a page that reads.
export const mayDo = ({ scopes }: Me): string => ["admin", "operate", "read"].find((one) => scopes.includes(one)) ?? scopes.join(", ");

// `admin` holds all others (`grants` of the API).
export const lacks = ({ scopes }: Me, scope: "operate" | "admin"): boolean => !scopes.includes(scope) && !scopes.includes("admin");
