// Messages to channels and what became of them: of the last days, or of one incident.

import type { JSX } from "preact";
import { DELIVERY_TONES, type Delivery } from "../lib/alerts.ts";
import { number, time } from "../lib/format.ts";
import { useLive } from "../lib/live.ts";
import { href, route, show } from "../lib/route.ts";
import { Ago, Badge, Choices, Dialog, Time } from "../ui/basics.tsx";
import { Loaded, State } from "../ui/states.tsx";
import { type Column, Table } from "../ui/table.tsx";

const STATES = ["sent", "pending", "undelivered", "superseded"];

export function Messages(): JSX.Element {
  const state = STATES.find((one) => one === route.value.query.state) ?? "";
  const found = useLive<{ deliveries: Delivery[]; total: number }>("api/deliveries", { state, limit: 500 }, { keep: true, every: 10_000 });
  const options = [{ value: "", label: "All" }, ...STATES.map((one) => ({ value: one, label: one }))];
  return (
    <>
      <div class="bar spaced"><Choices label="State of messages" value={state} options={options} onChoose={(name) => show({ state: name || undefined })} /><span class="soft">of the last day</span></div>
      <Loaded live={found} what="the messages">
        {({ deliveries, total }) => deliveries.length === 0
          ? <State symbol="○" title="No message" text="Nothing of this kind was sent in the last day. Try a channel with a test message:" code="clawpulse channels test CHANNEL" />
          : <><MessageTable deliveries={deliveries} incident />{total > deliveries.length ? <p class="soft">The newest {number(deliveries.length)} of {number(total)}.</p> : null}</>}
      </Loaded>
    </>
  );
}

// Pressing a row shows every try.
export function MessageTable({ deliveries, incident = false }: { deliveries: readonly Delivery[]; incident?: boolean }): JSX.Element {
  const { view, args, query } = route.value;
  const opened = deliveries.find((one) => one.id === query.message);
  const columns = incident ? [...COLUMNS, ABOUT] : COLUMNS;
  return (
    <div class="plain">
      <Table label="Messages" columns={columns} rows={deliveries} id={(one) => one.id} link={(one) => href(view, args, { ...query, message: one.id })} sorted="-created" empty="No message was sent about it: no route led to a channel, or it was hidden." />
      {opened ? <Tries delivery={opened} /> : null}
    </div>
  );
}

function Tries({ delivery }: { delivery: Delivery }): JSX.Element {
  return (
    <Dialog title={delivery.title} onClose={() => show({ message: undefined })}>
      <dl class="pairs">
        <dt>Channel</dt><dd>{delivery.channel}</dd>
        <dt>State</dt><dd><Badge tone={DELIVERY_TONES[delivery.state] ?? "idle"}>{delivery.state}</Badge> {delivery.reason}</dd>
        <dt>Made</dt><dd><Time at={delivery.created} /></dd>
        <dt>Ended</dt><dd><Time at={delivery.ended} /></dd>
        {delivery.retryAt ? <><dt>Tried again</dt><dd><Ago at={delivery.retryAt} /></dd></> : null}
        {delivery.reference ? <><dt>The vendor’s name for it</dt><dd>{delivery.reference}</dd></> : null}
      </dl>
      {delivery.failures.length ? <><h3>Tries that failed: {number(delivery.attempts)}</h3><ul class="happened">{delivery.failures.map((one) => <li key={one.at}><Time at={one.at} /> {one.reason}</li>)}</ul></> : null}
    </Dialog>
  );
}

const COLUMNS: readonly Column<Delivery>[] = [
  { key: "channel", label: "Channel", render: (one) => one.channel, sort: (one) => one.channel },
  { key: "kind", label: "Says", render: (one) => one.kind.replaceAll("_", " "), sort: (one) => one.kind, minor: true },
  { key: "state", label: "State", render: (one) => <Badge tone={DELIVERY_TONES[one.state] ?? "idle"}>{one.state}</Badge>, sort: (one) => one.state },
  { key: "created", label: "Made", render: (one) => <Ago at={one.created} />, sort: (one) => time(one.created), numeric: true },
  { key: "attempts", label: "Failed tries", render: (one) => number(one.attempts), sort: (one) => one.attempts, numeric: true, minor: true },
  { key: "reason", label: "Why", render: (one) => <span title={one.reason}>{one.reason}</span>, minor: true },
];

const ABOUT: Column<Delivery> = {
  key: "title", label: "About", sort: (one) => one.title, render: (one) => (one.incident ? <a href={href("incidents", [one.incident])}>{one.title}</a> : one.title),
};
