/**
 * Where a field of the project stands, from all that was ever said about it. Pure: the same rows give the
 * same answer on every phone, in whatever order they came. The server has the same rules; both are tested
 * with the same cases.
 */

export interface Who {
  id: string;
  role: string;
}

/** One change, as it travels. What waits on this phone has not been received yet. */
export interface Change {
  id: string;
  entity: string;
  entity_id: string;
  field: string;
  base: string | null;
  value: unknown;
  said_at: string;
  who: Who;
  received_at?: string | null;
  /** Of the project after it, once the server has said so. */
  revision?: number;
}

/** What a person said about one field: by a change, by the making of its thing, or by a choice. */
export interface Voice {
  id: string;
  base: string | null;
  saw: string[];
  who: Who;
  value: unknown;
  said_at: string;
  received_at: string | null;
}

export interface Field {
  /** What counts: the current value, or, while there is a difference, what both had agreed before. */
  stands: Voice | null;
  /** One voice, or several that had not seen each other: a difference. */
  sides: Voice[];
}

export const NOTHING: Field = { stands: null, sides: [] };

export const keyOf = (entity: string, id: string, field: string) => `${entity} ${id} ${field}`;

/** The same instant in letters that sort: microseconds, always all six digits. */
function sortable(when: string): string {
  const parts = /^(.{19})(?:\.(\d+))?(?:Z|\+00:00)$/.exec(when);
  if (!parts) return `${new Date(when).toISOString().slice(0, 23)}000`;
  return `${parts[1]}.${(parts[2] ?? "").padEnd(6, "0").slice(0, 6)}`;
}

/** Among one person's own changes their clock decides, but nothing counts as later than it arrived. */
export function orderOf({ id, said_at, received_at }: Pick<Change, "id" | "said_at" | "received_at">): string {
  const saidAt = sortable(said_at);
  const receivedAt = received_at ? sortable(received_at) : saidAt;
  return `${saidAt < receivedAt ? saidAt : receivedAt} ${id}`;
}

interface Chosen {
  entity: string;
  entity_id: string;
  field: string;
  value: unknown;
  saw: string[];
}

function add(all: Map<string, Voice[]>, key: string, voice: Voice): void {
  const earlier = all.get(key);
  if (earlier) earlier.push(voice);
  else all.set(key, [voice]);
}

/** Every voice on every field. A thing that was made twice is the first one. */
export function voices(rows: readonly Change[]): { makings: Map<string, Change>; all: Map<string, Voice[]> } {
  const makings = new Map<string, Change>();
  const all = new Map<string, Voice[]>();
  const ids = new Set<string>();
  for (const row of rows) {
    if (ids.has(row.id)) continue;
    ids.add(row.id);
    const { id, base, who, said_at, received_at = null } = row;
    if (row.field !== "*") {
      const voice = { id, base, saw: [], who, said_at, received_at, value: row.value };
      add(all, keyOf(row.entity, row.entity_id, row.field), voice);
      continue;
    }
    const about = { id, base: null, saw: [], who, said_at, received_at };
    const thing = `${row.entity} ${row.entity_id}`;
    if (makings.has(thing)) continue;
    makings.set(thing, row);
    if (row.entity === "choice") {
      const { entity, entity_id, field, value, saw } = row.value as Chosen;
      add(all, keyOf(entity, entity_id, field), { ...about, saw, value });
      continue;
    }
    for (const [field, value] of Object.entries(row.value as Record<string, unknown>)) {
      add(all, keyOf(row.entity, row.entity_id, field), { ...about, value });
    }
  }
  return { makings, all };
}

/** Everything that these voices follow, themselves left out unless another of them follows them. */
function followed(from: readonly Voice[], by: Map<string, Voice>): Set<string> {
  const ancestors = new Set<string>();
  const open = [...from];
  for (let voice = open.pop(); voice; voice = open.pop()) {
    for (const id of voice.base ? [voice.base, ...voice.saw] : voice.saw) {
      const parent = by.get(id);
      if (!parent || ancestors.has(id)) continue;
      ancestors.add(id);
      open.push(parent);
    }
  }
  return ancestors;
}

/** A voice and what it comes from by `base` alone, the latest first. */
function chain(from: Voice, by: Map<string, Voice>): Set<string> {
  const line = new Set<string>();
  let voice: Voice | undefined = from;
  while (voice && !line.has(voice.id)) {
    line.add(voice.id);
    voice = voice.base ? by.get(voice.base) : undefined;
  }
  return line;
}

/** The latest that all sides come from, unless both signed something that is no older. */
function agreed(sides: Voice[], by: Map<string, Voice>, signed: string | undefined): Voice | null {
  const [first, ...others] = sides.map((side) => chain(side, by));
  const common = [...first!].find((id) => others.every((line) => line.has(id)));
  const held = signed ? by.get(signed) : undefined;
  const latest = common ? by.get(common)! : null;
  if (held && !(latest && chain(latest, by).has(held.id))) return held;
  return latest;
}

export function byOrder(a: Voice, b: Voice): number {
  const [x, y] = [orderOf(a), orderOf(b)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Each said with the one before it in sight, as nearly all of a long project are: only the last is left. */
const isLine = (voices: readonly Voice[]) =>
  voices.every(({ base, saw }, n) => saw.length === 0 && base === (n === 0 ? null : voices[n - 1]!.id));

/**
 * Where a field stands after these voices. `signed` says what stood there in the last binding revision; it is
 * asked only where voices differ.
 */
export function settle(voices: readonly Voice[], signed?: () => string | undefined): Field {
  if (voices.length < 2) return { stands: voices[0] ?? null, sides: [...voices] };
  if (isLine(voices)) return { stands: voices.at(-1)!, sides: voices.slice(-1) };
  const by = new Map(voices.map((voice) => [voice.id, voice]));
  const own = new Map<string, Voice[]>();
  for (const voice of voices) add(own, voice.who.id, voice);
  const lasts = [...own.values()].map((mine) => {
    const seen = followed(mine, by);
    const newest = mine.filter((voice) => !seen.has(voice.id));
    return newest.length > 1 ? newest.sort(byOrder).at(-1)! : newest[0]!;
  });
  const passed = followed(lasts, by);
  const sides = lasts.filter((voice) => !passed.has(voice.id));
  if (sides.length === 1) return { stands: sides[0]!, sides };
  sides.sort(byOrder);
  return { stands: agreed(sides, by, signed?.()), sides };
}

/** What `base` a change of this field has: the change that its writer saw as the current one. */
export function baseFor({ stands, sides }: Field, who: string): string | null {
  if (sides.length < 2) return stands?.id ?? null;
  return (sides.find((side) => side.who.id === who) ?? stands)?.id ?? null;
}
