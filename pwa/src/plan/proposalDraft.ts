/** Other times, as they are being chosen: groups of times, each with how often it comes. */
import { signal } from "@preact/signals";
import { now } from "../store/now";
import { current as rhythm, type Rhythm } from "../store/rhythm";
import { forEachPerson } from "../store/session";
import { entryOf } from "../table";
import { nextFrom, readRule, ruleText, type Rule } from "./rules";
import { EVERY_DAY, isoDay, partsOf } from "./rhythmWords";

/** One time at which one would like to be asked; with `from`, any time from then on will do. */
export interface Time {
  at: string;
  /** Null: at this time and no other; empty: not chosen yet. */
  from: string | null;
}

/** Every week, every second week, once a month; or by a rule that is agreed, and has no choice here. */
export type Often = "week" | "weeks" | "month" | "kept";

export interface Group {
  times: Time[];
  often: Often;
  days: number[];
  /** One of the days, where it is every second week: weeks are counted from it. */
  start: string;
  place: number;
  weekday: number;
  /** The rule that is agreed. */
  kept: string;
}

export interface Draft {
  /** The first one always; others for times beside it that come less often. */
  groups: Group[];
  /** From which day to which, empty where not chosen yet; null: from now on. */
  only: { first: string; last: string } | null;
  words: string;
}

/** As many times a day as a rhythm may have. */
export const MOST = 12;

export const draft = signal<Draft | null>(null);

forEachPerson(() => (draft.value = null));

export const newGroup = (days: number[]): Group => ({
  times: [{ at: "", from: null }],
  often: "week",
  days,
  start: isoDay(now.value),
  place: 1,
  weekday: 0,
  kept: "",
});

/** What may be chosen, as far as it says the rule. */
function chosenFor(text: string): Partial<Group> {
  const rule = readRule(text);
  const start = nextFrom(rule, isoDay(now.value)) ?? rule.start;
  if (rule.every === "WEEKLY" && rule.interval <= 2)
    return { often: rule.interval === 1 ? "week" : "weeks", days: rule.days, start };
  const [only, ...others] = rule.places;
  if (rule.every === "MONTHLY" && rule.interval === 1 && only && others.length === 0)
    return { often: "month", place: only[0], weekday: only[1] };
  return { often: "kept" };
}

/** The rule of a group; null where it comes on the days of a week alone. */
function ruleOf({ often, days, start, place, weekday, kept }: Group, isFirst: boolean): string | null {
  const rule: Rule = { every: "WEEKLY", interval: 1, days, places: [], dates: [], start };
  if (often === "week") return isFirst ? null : ruleText(rule);
  if (often === "weeks") return ruleText({ ...rule, interval: 2 });
  if (often === "month") return ruleText({ ...rule, every: "MONTHLY", days: [], places: [[place, weekday]] });
  return kept;
}

const isWhole = ({ times, often, days, start }: Group) =>
  times.some(({ at }) => at) &&
  times.every(({ at, from }) => from === null || (at && from)) &&
  (often === "month" || often === "kept" || days.length > 0) &&
  (often !== "weeks" || start !== "");

/** Each group has what it needs, and no time is in two of them. */
export function hasTimes({ groups }: Draft): boolean {
  const times = groups.flatMap((group) => [...new Set(group.times.map(({ at }) => at).filter(Boolean))]);
  return groups.every(isWhole) && new Set(times).size === times.length;
}

export function asRhythm({ groups }: Draft): Rhythm {
  const chosen = groups.map((group, n) => ({
    times: group.times.filter(({ at }) => at),
    rule: ruleOf(group, n === 0),
  }));
  const times = chosen.flatMap((group) => group.times);
  const windows = times.flatMap(({ at, from }) => (from ? [[at, from]] : []));
  const rules = chosen.flatMap(({ times, rule }) => (rule ? times.map(({ at }) => [at, rule]) : []));
  const at = [...new Set(times.map((time) => time.at))].sort();
  const days = groups[0]!.days;
  const isByDays = chosen[0]!.rule === null && days.length < EVERY_DAY.length;
  const isOneRule = new Set(rules.map(([, rule]) => rule)).size === 1 && groups.length === 1;
  return {
    at,
    ...(isByDays ? { days: [...days].sort((a, b) => a - b) } : {}),
    ...(windows.length > 0 ? { from: Object.fromEntries(windows) } : {}),
    ...(rules.length > 0 ? { rrule: isOneRule ? rules[0]![1]! : Object.fromEntries(rules) } : {}),
  };
}

export function begin(): void {
  const parts = partsOf(rhythm.value?.rhythm ?? {});
  const groups = parts.map(({ at, from, days, rule }) => ({
    ...newGroup([...days]),
    times: at.map((time) => ({ at: time, from: entryOf(from, time) ?? null })),
    kept: rule,
    ...(rule ? chosenFor(rule) : {}),
  }));
  draft.value = { groups: groups.length > 0 ? groups : [newGroup(EVERY_DAY)], only: null, words: "" };
}
