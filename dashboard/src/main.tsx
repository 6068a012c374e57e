import { render } from "preact";
import { App } from "./app.tsx";
import { takeTokenFromAddress } from "./lib/session.ts";

takeTokenFromAddress();
addEventListener("hashchange", takeTokenFromAddress);
render(<App />, document.getElementById("app") as HTMLElement);
