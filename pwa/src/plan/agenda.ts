/** What changed since two looked at the plan together: what there is to talk about, and nothing else. */
import { isoDay } from "./labels";
import type { Voice } from "./merge";
import { is, isDropped, type Plan, type Thing } from "./state";
import { GOAL_FIELDS, turnOf } from "./turns";

export interface Changed {
  entity: "goal" | "step" | "life_project";
  id: string;
  /** The fields that read otherwise; empty where the whole thing is new. */
  fields: string[];
  isNew: boolean;
}

export interface Agenda {
  /** Since when; "" where nobody has looked at it together yet. */
  since: string;
  changed: Changed[];
  kept: Thing[];
  broken: Thing[];
  late: Thing[];
  /** Where two voices wait for a decision. */
  differences: number;
}

const FIELDS = {
  goal: GOAL_FIELDS,
  step: ["text", "owner_id", "due_on", "repeats"],
  life_project: ["summary", "situation", "option", "countries", "plan_b", "ends_on"],
};

const when = (voice: Voice) => voice.received_at ?? voice.said_at;

/** When this was said to have been held; "" where it was not. */
export function heldAt(plan: Plan, review: Thing): string {
  const held = plan.get("review", review.id, "held_on").stands;
  return held?.value ? when(held) : "";
}

/** Until when a meeting was written down: what was decided at it is not news for the next one. */
function writtenUntil(plan: Plan, review: Thing): string {
  const fields = ["held_on", "how_heard", "outcomes", "next_on"];
  const voices = fields.map((field) => plan.get("review", review.id, field).stands).filter((voice) => voice !== null);
  return voices.map(when).sort().at(-1) ?? "";
}

/** The end of the last look back before this moment, else the last time that both signed. */
function beginning(plan: Plan, review: Thing, until: string, signed: number | null): string {
  const held = plan
    .all("review")
    .filter((other) => other.id !== review.id && heldAt(plan, other))
    .map((other) => writtenUntil(plan, other))
    .filter((at) => !until || at < until);
  if (held.length > 0) return held.sort().at(-1)!;
  if (signed === null) return "";
  const signatures = plan
    .all("agreement")
    .filter((agreement) => is(agreement, plan, "revision", signed))
    .map((agreement) => agreement.made_at)
    .filter((at) => !until || at < until);
  return signatures.sort().at(-1) ?? "";
}

/** The agenda of a meeting: as it stands, or as it stood when the meeting was held. */
export function agendaOf(plan: Plan, review: Thing, signed: number | null, now: Date): Agenda {
  const until = heldAt(plan, review);
  const since = beginning(plan, review, until, signed);
  const isIn = (at: string) => at > since && (!until || at <= until);
  const changed: Changed[] = [];
  const look = (entity: Changed["entity"], id: string, made: string) => {
    if (made && isIn(made)) return void changed.push({ entity, id, fields: [], isNew: true });
    const fields = FIELDS[entity].filter((field) => plan.history(entity, id, field).some((voice) => isIn(when(voice))));
    if (fields.length > 0) changed.push({ entity, id, fields, isNew: false });
  };
  look("life_project", plan.child, "");
  for (const goal of plan.all("goal")) look("goal", goal.id, goal.made_at);
  for (const step of plan.all("step")) look("step", step.id, step.made_at);
  const kept: Thing[] = [];
  const broken: Thing[] = [];
  const late: Thing[] = [];
  for (const step of plan.all("step")) {
    const { status, last, due } = turnOf(plan, step);
    if (last && isIn(when(last))) (last.value === "done" ? kept : broken).push(step);
    else if (status === "open" && due && due < isoDay(now) && !until) late.push(step);
  }
  return { since, changed, kept, broken, late, differences: until ? 0 : plan.differences.length };
}

/** Goals that a person still works on, or that ended since: those a meeting goes through. */
export function goalsOf(plan: Plan): Thing[] {
  return plan.all("goal").filter((goal) => !isDropped(plan, goal.id));
}
