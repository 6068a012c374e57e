import { render } from "preact";
import { App } from "./app.tsx";
import { readAddress } from "./lib/route.ts";
import { takeTokenFromAddress } from "./lib/session.ts";

// The place in the page may stand behind the token.
function arrive(): void {
  takeTokenFromAddress();
  readAddress();
}

arrive();
addEventListener("hashchange", arrive);
render(<App />, document.getElementById("app") as HTMLElement);
