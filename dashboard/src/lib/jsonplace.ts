// Where in a JSON text a value stands, by its path as the API names faults: `rules[0].when.above`, or `dimensions.0`.

export type Place = [start: number, end: number];

const STRING = /"(?:[^"\\]|\\.)*"/y;
const PLAIN = /[^\s,\]}]+/y;

// The place of the value, or of the nearest one around it that is there; null for a text that is no JSON.
export function placeOf(text: string, path: string): Place | null {
  const places = placesOf(text);
  for (let wanted = path.replace(/\[(\d+)\]/g, ".$1"); places && wanted; wanted = wanted.slice(0, Math.max(0, wanted.lastIndexOf(".")))) {
    const found = places.get(wanted);
    if (found) return found;
  }
  return null;
}

function placesOf(text: string): Map<string, Place> | null {
  try {
    JSON.parse(text);
  } catch {
    return null;
  }
  const places = new Map<string, Place>();
  let at = 0;
  const skip = (): void => { while (/[\s,:]/.test(text[at] ?? "")) at++; };
  const take = (pattern: RegExp): string => {
    pattern.lastIndex = at;
    const [found = ""] = pattern.exec(text) ?? [];
    at += found.length;
    return found;
  };
  const value = (path: string): void => {
    const start = at, open = text[at];
    if (open === "{" || open === "[") parts(path, open === "{");
    else take(open === '"' ? STRING : PLAIN);
    if (!places.has(path)) places.set(path, [start, at]);
  };
  const parts = (path: string, named: boolean): void => {
    at++;
    for (let index = 0; ; index++) {
      skip();
      if (/[\]}]/.test(text[at] ?? "]")) break;
      const start = at;
      const key = named ? (JSON.parse(take(STRING)) as string) : String(index);
      skip();
      const inner = path ? `${path}.${key}` : key;
      value(inner);
      // A named value is shown with its name.
      if (named) places.set(inner, [start, at]);
    }
    at++;
  };
  skip();
  value("");
  return places;
}
