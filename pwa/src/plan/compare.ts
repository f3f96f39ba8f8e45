/** Two states of a project beside each other: what came, what reads otherwise, what was dropped. Pure. */
import type { Voice } from "./merge";
import { isDropped, words, type Plan, type Thing } from "./state";
import { GOAL_FIELDS } from "./turns";

export interface Altered {
  entity: string;
  id: string;
  field: string;
  before: unknown;
  now: unknown;
  /** Who said what stands now. */
  by: Voice | null;
}

export interface Compared {
  added: Thing[];
  altered: Altered[];
  gone: Thing[];
}

/** What a child thinks of as a thing on the path; a house is nobody's business but its author's. */
const THINGS = ["goal", "step", "review"];
export const FIELDS = {
  life_project: ["summary", "situation", "option", "countries", "plan_b", "ends_on"],
  area: ["importance", "now", "name"],
  goal: [...GOAL_FIELDS, "area_id"],
  step: ["text", "owner_id", "due_on", "moved_why", "repeats", "status", "reason"],
  review: ["due_on", "held_on", "how_heard", "kept_out", "outcomes", "next_on", "rating"],
} satisfies Record<string, string[]>;
const isNothing = (value: unknown) =>
  value === null ||
  value === undefined ||
  value === "" ||
  value === false ||
  (Array.isArray(value) && value.length === 0);

const isSame = (a: unknown, b: unknown) => (isNothing(a) && isNothing(b)) || JSON.stringify(a) === JSON.stringify(b);

/** A step that nobody touched has no status, which is as good as open. */
const read = (plan: Plan, entity: string, id: string, field: string) => {
  const value = plan.get(entity, id, field).stands?.value;
  return field === "status" && isNothing(value) ? "open" : value;
};

export function compare(then: Plan, now: Plan): Compared {
  const added = THINGS.flatMap((entity) => now.all(entity).filter(({ id }) => !then.one(entity, id)));
  const gone = now.all("goal").filter(({ id }) => then.one("goal", id) && isDropped(now, id) && !isDropped(then, id));
  const both: [string, string][] = [
    ["life_project", now.child],
    ...["area", ...THINGS].flatMap((entity) =>
      now
        .all(entity)
        .filter(({ id }) => then.one(entity, id))
        .map(({ id }): [string, string] => [entity, id]),
    ),
  ];
  const isToldAlready = (id: string, field: string) =>
    ["not_mine", "lifecycle"].includes(field) && gone.some((goal) => goal.id === id);
  const altered = both.flatMap(([entity, id]) =>
    (FIELDS[entity as keyof typeof FIELDS] ?? []).flatMap((field) => {
      const [before, after] = [read(then, entity, id, field), read(now, entity, id, field)];
      if (isSame(before, after) || isToldAlready(id, field)) return [];
      return [{ entity, id, field, before, now: after, by: now.get(entity, id, field).stands }];
    }),
  );
  return { added, altered, gone };
}

/** The words by which a thing is known. */
export function nameOfThing(plan: Plan, entity: string, id: string): string {
  if (entity === "goal") return words(plan, entity, id, "child_words") || words(plan, entity, id, "worker_words");
  if (entity === "step") return words(plan, entity, id, "text");
  return "";
}
