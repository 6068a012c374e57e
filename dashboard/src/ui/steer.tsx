// What people may ask of something that goes by itself: each action with what it does, a comment, and a second press.

import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useAction } from "../lib/actions.tsx";
import { send } from "../lib/api.ts";
import { Act } from "./act.tsx";
import { Dialog } from "./basics.tsx";

export interface Order {
  action: string;
  label: string;
  // What follows from it.
  effect: string;
  danger?: boolean;
  // Not the first thing to press.
  second?: boolean;
}

interface Props {
  what: string;
  path: string;
  orders: readonly Order[];
  done: () => void;
}

export function Steer({ what, path, orders, done }: Props): JSX.Element {
  const [open, setOpen] = useState<Order | null>(null);
  return (
    <>
      {orders.map((order) => <Act key={order.action} class={order.danger ? "danger" : order.second ? "second" : undefined} onClick={() => setOpen(order)}>{order.label}…</Act>)}
      {open ? <Confirm what={what} path={path} order={open} onClose={() => setOpen(null)} done={done} /> : null}
    </>
  );
}

function Confirm({ what, path, order, onClose, done }: { what: string; path: string; order: Order; onClose: () => void; done: () => void }): JSX.Element {
  const [comment, setComment] = useState("");
  const { busy, error, run } = useAction();
  const act = (): Promise<unknown> => send("POST", `${path}/${order.action}`, comment.trim() ? { comment: comment.trim() } : {});
  return (
    <Dialog title={`${order.label}: ${what}`} onClose={onClose}>
      <form class="form" onSubmit={(event) => { event.preventDefault(); void run(act, `${order.label}: done.`, () => { done(); onClose(); }); }}>
        <p>{order.effect}</p>
        <label><span>Why; goes into the audit log</span><input value={comment} maxLength={500} autoFocus onInput={(event) => setComment(event.currentTarget.value)} /></label>
        {error ? <p class="fault" role="alert">{error.message}</p> : null}
        <div class="buttons"><button type="submit" class={order.danger ? "danger" : undefined} disabled={busy}>{order.label}</button><button type="button" class="second" onClick={onClose}>Cancel</button></div>
      </form>
    </Dialog>
  );
}
