// Errors: failed tasks by kind, and one kind over time.

import type { JSX } from "preact";
import { route } from "../lib/route.ts";
import { ErrorKind } from "./errors-kind.tsx";
import { ErrorList } from "./errors-list.tsx";

export default function Errors(): JSX.Element {
  const [fingerprint] = route.value.args;
  return fingerprint ? <ErrorKind key={fingerprint} fingerprint={fingerprint} /> : <ErrorList />;
}
