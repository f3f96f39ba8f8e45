/** The project as this phone sees it: everything received and everything that waits, as things with fields. */
import { baseFor, keyOf, NOTHING, settle, voices, type Change, type Field, type Voice, type Who } from "./merge";

/** What the server adds to the rows: names, the number of what stands, and what both signed. */
export interface Frame {
  revision: number;
  signed_revision: number | null;
  status: Status;
  people: Person[];
  child: { id: string; name: string };
  /** By field, as `keyOf` names it: what the last binding revision held. */
  signed: Record<string, unknown> | null;
  /** How many rows this phone had when the number was that of just these; -1 where that is not known. */
  fits: number;
}

export type Status = "getting_to_know" | "draft" | "proposed" | "agreed" | "under_review" | "closed";

export interface Person {
  id: string;
  role: string;
  name: string;
  /** False of a person whose part in the project is over. */
  is_here?: boolean;
}

export interface Thing {
  entity: string;
  id: string;
  by: Who;
  made_at: string;
  /** True until the server has the making. */
  waits: boolean;
}

export interface Plan {
  child: string;
  get(entity: string, id: string, field: string): Field;
  all(entity: string): Thing[];
  one(entity: string, id: string): Thing | undefined;
  history(entity: string, id: string, field: string): Voice[];
  differences: { entity: string; id: string; field: string; at: Field }[];
  proposed(entity: string, id: string, field: string): boolean;
  /** Every field of which anything was ever said, as `keyOf` names it. */
  keys(): string[];
  /** Which change stands in each field. */
  stood(): ReadonlyMap<string, string>;
}

/** The change that held this value when both signed it; of several the latest. */
function nodeOf(voices: Voice[], value: unknown): string | undefined {
  const wanted = JSON.stringify(value ?? null);
  return voices.filter((voice) => JSON.stringify(voice.value ?? null) === wanted).at(-1)?.id;
}

/** `held` names the changes that both signed, where they are known; the frame knows their values alone. */
export function build(
  child: string,
  rows: Change[],
  frame: Pick<Frame, "signed"> | null,
  held?: ReadonlyMap<string, string>,
): Plan {
  const { makings, all } = voices(rows);
  const fields = new Map<string, Field>();
  const things = new Map<string, Thing[]>();
  const differences: Plan["differences"] = [];
  const signed = frame?.signed ?? null;
  for (const row of makings.values()) {
    const { entity, entity_id, who, said_at, received_at } = row;
    const thing = { entity, id: entity_id, by: who, made_at: received_at ?? said_at, waits: !received_at };
    const ofKind = things.get(entity);
    if (ofKind) ofKind.push(thing);
    else things.set(entity, [thing]);
  }
  for (const list of things.values()) list.sort(byMaking);
  for (const [key, heard] of all) {
    const at = settle(
      heard,
      () => held?.get(key) ?? (signed && key in signed ? nodeOf(heard, signed[key]) : undefined),
    );
    fields.set(key, at);
    if (at.sides.length < 2) continue;
    const [entity, id, field] = key.split(" ") as [string, string, string];
    if (entity === "life_project" || makings.has(`${entity} ${id}`)) differences.push({ entity, id, field, at });
  }
  const get = (entity: string, id: string, field: string) => fields.get(keyOf(entity, id, field)) ?? NOTHING;
  return {
    child,
    get,
    all: (entity) => things.get(entity) ?? [],
    one: (entity, id) => things.get(entity)?.find((thing) => thing.id === id),
    history: (entity, id, field) => all.get(keyOf(entity, id, field)) ?? [],
    differences,
    proposed(entity, id, field) {
      if (!signed) return false;
      const now = get(entity, id, field).stands?.value ?? null;
      return JSON.stringify(now) !== JSON.stringify(signed[keyOf(entity, id, field)] ?? null);
    },
    keys: () => [...all.keys()],
    stood: () => new Map([...fields].flatMap(([key, { stands }]) => (stands ? [[key, stands.id]] : []))),
  };
}

/** What came in the same moment stays in the order in which the server has it. */
const byMaking = (a: Thing, b: Thing) => (a.made_at < b.made_at ? -1 : a.made_at > b.made_at ? 1 : 0);

/** The text that stands in a field, or "". */
export function words(plan: Plan, entity: string, id: string, field: string): string {
  const value = plan.get(entity, id, field).stands?.value;
  return typeof value === "string" ? value : "";
}

const LET_GO = ["cancelled", "rejected", "entered-in-error"];

/** True where a goal ended without having been reached. */
export const wasGivenUp = (plan: Plan, goal: string) => LET_GO.includes(words(plan, "goal", goal, "lifecycle"));

/** True where a goal is no longer the child's, or was given up. */
export const isDropped = (plan: Plan, goal: string) =>
  plan.get("goal", goal, "not_mine").stands?.value === true || wasGivenUp(plan, goal);

export const baseOf = (plan: Plan, entity: string, id: string, field: string, who: string) =>
  baseFor(plan.get(entity, id, field), who);

export const is = (thing: Thing, plan: Plan, field: string, value: unknown) =>
  plan.get(thing.entity, thing.id, field).stands?.value === value;

/** Every field of a project as the server tells it, to know later what both had signed. */
export function fieldsOf(project: Record<string, unknown>): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  const id = (thing: Record<string, unknown>) => String(thing["id"]);
  const note = (entity: string, thing: Record<string, unknown>, skip: string[]) => {
    for (const [field, value] of Object.entries(thing)) {
      if (!skip.includes(field)) values[keyOf(entity, id(thing), field)] = value;
    }
  };
  const list = (thing: Record<string, unknown>, name: string) =>
    (thing[name] as Record<string, unknown>[] | undefined) ?? [];
  for (const field of ["summary", "situation", "ends_on", "countries", "option", "plan_b"]) {
    values[keyOf("life_project", String((project["child"] as { id: string }).id), field)] = project[field];
  }
  for (const area of list(project, "areas")) {
    note("area", area, ["id", "by", "made_at", "goals"]);
    for (const goal of list(area, "goals")) {
      note("goal", goal, ["id", "by", "made_at", "proposed_by", "steps"]);
      for (const step of list(goal, "steps")) note("step", step, ["id", "by", "made_at", "owner"]);
    }
  }
  return values;
}
