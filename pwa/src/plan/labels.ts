/** The project's words: what areas, fields, people and days are called. */
import { dayName, region, t } from "../i18n";
import { isChild, myself, nameOf, plan } from "../store/project";
import { entryOf } from "../table";
import type { Who } from "./merge";
import { words as text } from "./state";

export const AREAS = (
  "housing health education language training work social personal culture family legal safety money " +
  "independence own"
).split(" ");

export function areaName(kind: string): string {
  const names: Record<string, string> = {
    housing: t("Where I live"),
    health: t("Health"),
    education: t("School"),
    language: t("Language"),
    training: t("Training"),
    work: t("Work"),
    social: t("Friends and free time"),
    personal: t("Myself"),
    culture: t("Culture and faith"),
    family: t("Family"),
    legal: t("Papers and rights"),
    safety: t("Being safe"),
    money: t("Money"),
    independence: t("Doing things by myself"),
    own: t("Something else"),
  };
  return entryOf(names, kind) ?? kind;
}

export function roleName(role: string): string {
  const names: Record<string, string> = {
    child: t("Child"),
    caseworker: t("Caseworker"),
    supervisor: t("Supervisor"),
    guardian: t("Guardian"),
    carer: t("Carer"),
    advocate: t("Advocate"),
    administrator: t("Administrator"),
    agency: t("The agency"),
  };
  return entryOf(names, role) ?? t("Someone");
}

/** The languages in which something may have been explained: those that children here speak most. */
const LANGUAGES = "ar en fr am bn ckb es fa ff ha kmr ln ps pt ru so sq sw ti tr uk ur vi wo".split(" ");

/** A language as one calls it; what a person wrote freely stays as it is. */
export function languageName(code: string): string {
  try {
    return new Intl.DisplayNames(region(), { type: "language" }).of(code) ?? code;
  } catch {
    return code;
  }
}

export const languageOptions = (): [string, string][] =>
  LANGUAGES.map((code): [string, string] => [code, languageName(code)]).sort((a, b) =>
    a[1].localeCompare(b[1], region()),
  );

/** "You", or the name, or what a person is. */
export function called({ id, role }: Who): string {
  if (id === myself.value.id) return t("You");
  return nameOf(id) ?? roleName(role);
}

export const isChildsVoice = (who: Who) => who.role === "child";

/** A date without a time is the same day everywhere. */
export function day(text: string): Date {
  const [year, month, date] = text.split("-").map(Number);
  return new Date(year ?? 2000, (month ?? 1) - 1, date ?? 1);
}

export const isDate = (value: unknown): value is string =>
  typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value);

export function isoDay(when: Date): string {
  const two = (n: number) => String(n).padStart(2, "0");
  return `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())}`;
}

/** "today", "tomorrow", else the date, with its year where that is another one. */
export function dayWords(when: string | Date, now: Date): string {
  const date = typeof when === "string" ? (isDate(when) ? day(when) : new Date(when)) : when;
  if (Math.abs(date.getTime() - now.getTime()) < 2 * 86_400_000) {
    const near = dayName(date, now);
    if (!/\d/.test(near)) return near;
  }
  const options: Intl.DateTimeFormatOptions = { day: "numeric", month: "long" };
  if (date.getFullYear() !== now.getFullYear()) options.year = "numeric";
  return new Intl.DateTimeFormat(region(), options).format(date);
}

/** One of two sentences: for a day with a word of its own ("tomorrow"), or for a date ("3 March"). */
export function ofDay(
  when: string | Date,
  now: Date,
  named: (day: string) => string,
  dated: (date: string) => string,
): string {
  const day = dayWords(when, now);
  return /\p{N}/u.test(day) ? dated(day) : named(day);
}

export const dueOn = (when: string | Date, now: Date) =>
  ofDay(
    when,
    now,
    (day) => t("Due {day}", { day }),
    (date) => t("Due on {date}", { date }),
  );

export const wasDueOn = (when: string | Date, now: Date) =>
  ofDay(
    when,
    now,
    (day) => t("Late. It was due {day}.", { day }),
    (date) => t("Late. It was due on {date}.", { date }),
  );

export const stepsDone = (done: number, all: number) =>
  all === 0 ? t("No steps yet") : t("Steps done: {done} of {n}", { done, n: all });

/** What a field is called on its own screen, and why one is asked. A child and an adult are asked differently. */
export interface Asked {
  title: string;
  why: string;
  kind: "words" | "list" | "date" | "importance" | "rating" | "choice";
  options?: [string, string][];
  /** Codes that are not offered any more, or only elsewhere, and have words all the same. */
  others?: [string, string][];
  /** Own words may stand in place of one of the options. */
  isFree?: boolean;
  /** Where nothing may be said as well. */
  isOpen?: boolean;
}

export function asked(entity: string, field: string): Asked | null {
  const mine = isChild.value;
  const words = (title: string, why = "", isOpen = true): Asked => ({ title, why, kind: "words", isOpen });
  const date = (title: string, why = ""): Asked => ({ title, why, kind: "date", isOpen: true });
  const questions: Record<string, () => Asked> = {
    "life_project summary": () =>
      words(
        mine ? t("What do you hope for?") : t("In the child’s own words"),
        t("A few sentences about you and what you hope for. They come at the start of the path."),
      ),
    "life_project situation": () =>
      words(
        t("How things are here"),
        t("What is possible, what isn't, and what we don't know yet. Keep it simple and true."),
      ),
    "life_project plan_b": () => words(t("If that doesn't work out"), t("What would you do then?")),
    "life_project ends_on": () =>
      // It may last longer, or end sooner; it cannot go on without a day.
      ({
        ...date(t("When does this plan end?"), t("Before that day, you look at the plan together again.")),
        isOpen: false,
      }),
    "life_project closing": () =>
      words(
        t("How does this plan end?"),
        t("A few words about what you reached and what comes next. Everything can still be read."),
        false,
      ),
    "life_project option": () => ({
      title: t("Where will home be?"),
      why: t("This is how it looks now. It can change, and there is a plan B."),
      kind: "choice",
      options: [
        ["stay", t("Staying here")],
        ["reunify", t("Living with family")],
        ["return", t("Going back")],
        ["relocate", t("Going to another country")],
        ["undecided", t("Not clear yet")],
      ],
    }),
    "life_project countries": () => ({
      title: t("Which countries?"),
      why: t("One per line."),
      kind: "list",
    }),
    "review due_on": () => date(t("When do you meet?"), t("A day to look back together.")),
    "review held_on": () => date(t("When did you meet?")),
    "review next_on": () => date(t("When is the next meeting?")),
    "review how_heard": () => ({
      title: mine ? t("How did you have a say?") : t("How did the child have a say?"),
      why: t("Alone, with someone you trust, in writing, or with an interpreter."),
      kind: "choice",
      isFree: true,
      options: [
        ["present", mine ? t("I was there and spoke for myself") : t("The child was there and spoke for themselves")],
        ["through_somebody", mine ? t("Someone spoke for me") : t("Someone spoke for the child")],
        ["in_writing", t("In writing")],
        ["did_not_want", mine ? t("I didn't want to") : t("The child didn't want to")],
      ],
    }),
    "review kept_out": () =>
      words(t("Who should stay away?"), t("The child decides who comes. Nobody has to say why.")),
    "review outcomes": () => words(t("What did you decide?")),
    "review rating": () => ({ title: t("How was the meeting for you?"), why: "", kind: "rating" }),
    "area now": () => words(t("How is it now?"), ""),
    "area importance": () => ({
      title: mine ? t("How important is this to you?") : t("How important is this to the child?"),
      why: "",
      kind: "importance",
    }),
    "goal child_words": () =>
      words(
        mine ? t("What do you want?") : t("In the child’s own words"),
        t("The words stay exactly as you write them."),
      ),
    "goal worker_words": () =>
      words(t("In the caseworker's words"), t("This goes next to the child's words. It never replaces them.")),
    "goal why": () => words(mine ? t("Why does it matter to you?") : t("Why does it matter?")),
    "goal success_sign": () => words(t("How will you know that it worked?")),
    "goal barriers": () => words(t("What could get in the way?")),
    "goal target_on": () => date(t("By when?"), t("A day you both aim for. You can change it.")),
    "goal lifecycle": () => ({
      title: t("Where are we with this?"),
      why: "",
      kind: "choice",
      options: [
        ["proposed", t("It's an idea")],
        ["active", t("We're working on it")],
        ["on-hold", t("On hold")],
        ["completed", t("Reached")],
        ["cancelled", t("Dropped")],
      ],
      others: [
        ["planned", t("Planned")],
        ["accepted", t("You both want it")],
        ["rejected", t("Not accepted")],
        ["entered-in-error", t("Written by mistake")],
      ],
    }),
    "goal achievement": () => ({
      title: t("How is it going?"),
      why: "",
      kind: "choice",
      options: [
        ["in-progress", t("It has started")],
        ["improving", t("Better")],
        ["no-change", t("The same")],
        ["worsening", t("Worse")],
        ["achieved", t("It worked")],
        ["sustaining", t("It worked, and it still does")],
        ["no-progress", t("No progress yet")],
        ["not-achieved", t("It didn't work this time")],
        ["not-attainable", t("It can't be done")],
      ],
    }),
    "step text": () => words(t("What is the step?"), "", false),
    "step due_on": () => date(t("By when?"), t("You can choose another date. Say why, so nobody has to guess.")),
    "step repeats": () => ({
      title: t("How often?"),
      why: t("Each time it's done, it moves to the next date."),
      kind: "choice",
      options: [
        ["none", t("Once")],
        ["weekly", t("Every week")],
        ["monthly", t("Every month")],
      ],
    }),
    "complaint answer_due": () =>
      date(t("When will the answer come?"), t("The person waiting for the answer sees this date.")),
    "step reason": () => words(t("What got in the way?"), t("A few words help you find another way together.")),
  };
  return questions[`${entity} ${field}`]?.() ?? null;
}

/** The short name of a field, where it stands beside its value. */
export function fieldName(entity: string, field: string): string {
  const names: Record<string, string> = {
    "life_project summary": t("In my own words"),
    "life_project situation": t("How things are here"),
    "life_project plan_b": t("If that doesn't work out"),
    "life_project ends_on": t("End of the plan"),
    "life_project option": t("Where home will be"),
    "life_project countries": t("Countries"),
    "review kind": t("Why you meet"),
    "review due_on": t("When you meet"),
    "review held_on": t("When you met"),
    "review next_on": t("Next meeting"),
    "review how_heard": isChild.value ? t("How you had a say") : t("How the child had a say"),
    "review kept_out": t("Who should stay away"),
    "review outcomes": t("What you decided"),
    "review rating": isChild.value ? t("How the meeting was for you") : t("How the meeting was for the child"),
    "area importance": t("How important"),
    "area now": t("How it is now"),
    "area name": t("Name"),
    "goal child_words": isChild.value ? t("In my own words") : t("In the child’s own words"),
    "goal worker_words": t("In the caseworker's words"),
    "goal why": t("Why it matters"),
    "goal success_sign": t("How we'll know it worked"),
    "goal target_on": t("Due date"),
    "goal lifecycle": t("Where we are with this"),
    "goal achievement": t("How it is going"),
    "goal barriers": t("What could get in the way"),
    "goal not_mine": t("Not my goal any more"),
    "goal area_id": t("What it is about"),
    "step text": t("The step"),
    "step owner_id": t("Who does it"),
    "step due_on": t("Due date"),
    "step status": t("Done or not"),
    "step reason": t("Why it wasn't done"),
    "step repeats": t("How often"),
    "step moved_why": t("Why the date changed"),
    "life_project closing": t("How it ended"),
    "complaint answer_due": t("Answer due"),
  };
  return names[`${entity} ${field}`] ?? field;
}

export function reviewName(kind: string): string {
  const names: Record<string, string> = {
    routine: t("We look back together"),
    planned: t("We look back together"),
    return: t("After coming back"),
    transfer: t("Because of a move"),
    decision: t("Because of a decision"),
    turning_17_half: t("Before turning 18"),
    complaint: t("Because something wasn't right"),
    new_worker: t("With the new caseworker"),
  };
  return entryOf(names, kind) ?? t("We look back together");
}

/** Why one meets, in a sentence; "" where the name says it all. */
export function reviewWhy(kind: string): string {
  const whys: Record<string, string> = {
    return: t("What has to change after coming back?"),
    transfer: t("There was a move. What stays the same, and what has to change?"),
    decision: t("The authorities have made a decision. What does it mean for this plan?"),
    turning_17_half: t("A lot changes in six months. What has to be ready by then?"),
    complaint: t("Something wasn't right. What has to change?"),
    new_worker: t("There is a new caseworker. Every promise still counts."),
  };
  return entryOf(whys, kind) ?? "";
}

export const ratings = (): [string, string][] => [
  ["5", t("Great")],
  ["4", t("Good")],
  ["3", t("So-so")],
  ["2", t("Bad")],
  ["1", t("Awful")],
];

/** A value in words. */
export function valueName(entity: string, field: string, value: unknown, now: Date): string {
  if (value === null || value === undefined || value === "") return t("Nothing");
  if (isDate(value)) return dayWords(value, now);
  if (field === "area_id") {
    const kind = text(plan.value, "area", String(value), "kind");
    return text(plan.value, "area", String(value), "name") || areaName(kind);
  }
  if (field === "owner_id") return called({ id: String(value), role: "" });
  if (typeof value === "boolean") return value ? t("Yes") : t("No");
  if (Array.isArray(value)) return value.join(", ");
  if (field === "status") {
    const names = { open: t("Still open"), done: t("Done"), not_done: t("Not done") };
    return entryOf(names, String(value)) ?? String(value);
  }
  if (field === "rating") return ratings().find(([code]) => code === String(value))?.[1] ?? String(value);
  if (field === "importance") return t("{n} of 5", { n: Number(value) });
  const { options = [], others = [] } = asked(entity, field) ?? {};
  const option = [...options, ...others].find(([code]) => code === value)?.[1];
  return option ?? String(value);
}
