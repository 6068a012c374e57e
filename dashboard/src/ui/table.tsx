// A table that sorts, moves by keyboard (j, k, Enter), and draws only the rows that are in sight when there are many.

import type { ComponentChildren, JSX, TargetedKeyboardEvent } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

export interface Column<Row> {
  key: string;
  label: string;
  render: (row: Row) => ComponentChildren;
  // What rows are sorted by; a column without cannot be sorted by. null sorts last.
  sort?: (row: Row) => string | number | null | undefined;
  // Numbers stand to the right, and sort from the greatest first.
  numeric?: boolean;
  // Left out on a phone.
  minor?: boolean;
  // Sentences, shown whole: for tables of few rows.
  wrap?: boolean;
}

interface Props<Row> {
  label: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  id: (row: Row) => string;
  // Where a row leads.
  link?: (row: Row) => string;
  sorted?: string; // key of the column, with a "-" before it for descending
  onSort?: (sorted: string) => void;
  empty?: ComponentChildren;
  tone?: (row: Row) => string | undefined;
}

const ROW_PX = 33;
const MANY = 150;
const AROUND = 12;
const order = new Intl.Collator("en", { numeric: true }).compare;

export function Table<Row>({ label, columns, rows, id, link, sorted: given, onSort, empty, tone }: Props<Row>): JSX.Element {
  const [own, setOwn] = useState(given ?? "");
  const sorted = onSort ? (given ?? "") : own;
  const shown = useMemo(() => sortRows(rows, columns, sorted), [rows, columns, sorted]);
  const body = useRef<HTMLTableSectionElement>(null);
  const [first, last] = useWindow(body, shown.length);
  if (!rows.length) return <p class="nothing">{empty ?? "Nothing here."}</p>;
  const choose = (column: Column<Row>): void => {
    const down = column.numeric ? sorted !== `-${column.key}` : sorted === column.key;
    const next = `${down ? "-" : ""}${column.key}`;
    onSort ? onSort(next) : setOwn(next);
  };
  return (
    // Where nothing inside takes the focus, the table itself does: else the keyboard could not scroll it sideways.
    <div class="scroll" {...(link || columns.some((column) => column.sort) ? {} : { tabIndex: 0, role: "group", "aria-label": label })}>
      <table aria-label={label} aria-rowcount={shown.length} onKeyDown={move}>
        <thead><tr>{columns.map((column) => <Head key={column.key} column={column} sorted={sorted} onSort={() => choose(column)} />)}</tr></thead>
        <tbody ref={body}>
          <Space rows={first} />
          {shown.slice(first, last).map((row, index) => (
            <tr key={id(row)} data-id={id(row)} data-tone={tone?.(row)} aria-rowindex={first + index + 2}>
              {columns.map((column, at) => (
                <td key={column.key} class={classOf(column)}>{at === 0 && link ? <a class="row-link" href={link(row)}>{column.render(row)}</a> : column.render(row)}</td>
              ))}
            </tr>
          ))}
          <Space rows={shown.length - last} />
        </tbody>
      </table>
    </div>
  );
}

function Head<Row>({ column, sorted, onSort }: { column: Column<Row>; sorted: string; onSort: () => void }): JSX.Element {
  const state = sorted === column.key ? "ascending" : sorted === `-${column.key}` ? "descending" : undefined;
  return (
    <th scope="col" class={classOf(column)} aria-sort={state}>
      {column.sort ? <button type="button" class="sort" onClick={onSort}>{column.label}<span aria-hidden="true">{state === "ascending" ? " ↑" : state === "descending" ? " ↓" : ""}</span></button> : column.label}
    </th>
  );
}

const classOf = (column: { numeric?: boolean; minor?: boolean; wrap?: boolean }): string | undefined =>
  [column.numeric ? "num" : "", column.minor ? "minor" : "", column.wrap ? "wrap" : ""].filter(Boolean).join(" ") || undefined;

const Space = ({ rows }: { rows: number }): JSX.Element | null => (rows > 0 ? <tr aria-hidden="true" class="space"><td style={{ height: `${rows * ROW_PX}px` }} /></tr> : null);

export function sortRows<Row>(rows: readonly Row[], columns: readonly Column<Row>[], sorted: string): readonly Row[] {
  const down = sorted.startsWith("-");
  const by = columns.find((column) => column.key === sorted.replace(/^-/, ""))?.sort;
  if (!by) return rows;
  return [...rows].sort((a, b) => {
    const [left, right] = [by(a) ?? null, by(b) ?? null];
    if (left === null || right === null) return Number(left === null) - Number(right === null);
    const difference = typeof left === "number" && typeof right === "number" ? left - right : order(String(left), String(right));
    return down ? -difference : difference;
  });
}

// The first and last row (not included) that have to be drawn.
function useWindow(body: { current: HTMLElement | null }, amount: number): [number, number] {
  const many = amount > MANY;
  const [range, setRange] = useState<[number, number]>([0, MANY]);
  useEffect(() => {
    if (!many) return;
    const update = (): void => {
      const top = body.current?.getBoundingClientRect().top ?? 0;
      const start = Math.max(0, Math.floor(-top / ROW_PX) - AROUND);
      const end = Math.ceil((innerHeight - top) / ROW_PX) + AROUND;
      setRange((before) => (before[0] === start && before[1] === end ? before : [start, end]));
    };
    update();
    addEventListener("scroll", update, { passive: true });
    addEventListener("resize", update);
    return () => {
      removeEventListener("scroll", update);
      removeEventListener("resize", update);
    };
  }, [many, amount]);
  return many ? [Math.min(range[0], amount), Math.min(range[1], amount)] : [0, amount];
}

const STEPS: Record<string, number> = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };

function move(event: TargetedKeyboardEvent<HTMLTableElement>): void {
  const step = STEPS[event.key];
  const links = [...event.currentTarget.querySelectorAll<HTMLElement>("a.row-link")];
  const at = links.indexOf(document.activeElement as HTMLElement);
  if (!step || at < 0) return;
  event.preventDefault();
  event.stopPropagation();
  links[at + step]?.focus();
}
