/**
 * When a step is due: once, or again and again. The server has the last word on whose turn it is; this is what
 * a phone can know from the words alone, with a network or without.
 */
import { isRepeats, pendingAfter, type Repeats } from "./recurrence";
import { isDate, isoDay } from "./labels";
import { byOrder, type Voice } from "./merge";
import { words, type Plan, type Thing } from "./state";

/** What there is to say of a goal, and of a step: in their story, in what changed, and where one agrees. */
export const GOAL_FIELDS = [
  "child_words",
  "worker_words",
  "why",
  "success_sign",
  "target_on",
  "barriers",
  "lifecycle",
  "achievement",
  "not_mine",
];
export const STEP_FIELDS = ["text", "status", "reason", "due_on", "moved_why", "repeats", "owner_id"];

export interface Turn {
  repeats: Repeats;
  /** The day by which it is to be done (this time); "" where there is none. */
  due: string;
  /** Of a step that comes again always "open": done is done for its time. */
  status: "open" | "done" | "not_done";
  /** What was said last of it having been done or not. */
  last: Voice | null;
}

const dayOf = ({ received_at, said_at }: Voice) => isoDay(new Date(received_at ?? said_at));

/** Where a step stands. */
export function turnOf(plan: Plan, step: Thing): Turn {
  const due = words(plan, "step", step.id, "due_on");
  const text = words(plan, "step", step.id, "repeats");
  const repeats: Repeats = isRepeats(text) ? text : "none";
  const status = plan.get("step", step.id, "status").stands;
  const isSettled = status?.value === "done" || status?.value === "not_done";
  if (repeats === "none" || !isDate(due)) {
    const value = isSettled ? (status.value as Turn["status"]) : "open";
    // A step without a day that comes again is open again the day after.
    const isOver = repeats === "none" || !isSettled;
    return { repeats, due: isDate(due) ? due : "", status: isOver ? value : "open", last: isSettled ? status : null };
  }
  const fields = ["due_on", "repeats", "status"] as const;
  const events = fields.flatMap((field) =>
    plan.history("step", step.id, field).map((voice) => ({ field, value: voice.value, day: dayOf(voice), voice })),
  );
  events.sort((a, b) => byOrder(a.voice, b.voice) || a.field.localeCompare(b.field));
  const over = events.filter(({ field, value }) => field === "status" && (value === "done" || value === "not_done"));
  return { repeats, due: pendingAfter(events) || due, status: "open", last: over.at(-1)?.voice ?? null };
}

/** The longest wait for an answer that no other day was named for; the server reminds by it. */
const ANSWER_WITHIN_DAYS = 7;

/** By which day a complaint is to be answered. */
export function answerDue(plan: Plan, complaint: Thing): string {
  const named = words(plan, "complaint", complaint.id, "answer_due");
  if (named) return named;
  const day = new Date(complaint.made_at);
  day.setDate(day.getDate() + ANSWER_WITHIN_DAYS);
  return isoDay(day);
}
