// Which tile an arrow key leads to.

export function neighbour(all: readonly HTMLElement[], index: number, key: string): HTMLElement | undefined {
  if (key === "ArrowRight") return all[index + 1];
  if (key === "ArrowLeft") return all[index - 1];
  if (key === "Home") return all[0];
  if (key === "End") return all.at(-1);
  if (key !== "ArrowDown" && key !== "ArrowUp") return undefined;
  const here = (all[index] as HTMLElement).getBoundingClientRect();
  const beyond = key === "ArrowDown" ? (box: DOMRect) => box.top >= here.bottom : (box: DOMRect) => box.bottom <= here.top;
  let best: HTMLElement | undefined, least = Infinity;
  for (const node of all) {
    const box = node.getBoundingClientRect();
    const distance = Math.abs(box.top - here.top) * 10_000 + Math.abs(box.left - here.left);
    if (beyond(box) && distance < least) [best, least] = [node, distance];
  }
  return best;
}
