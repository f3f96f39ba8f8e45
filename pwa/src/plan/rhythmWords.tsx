/** A rhythm in words, and what it comes to. */
import { clockTime, listed, longDay, moment, region, t, tn } from "../i18n";
import { now } from "../store/now";
import type { Rhythm, Sum } from "../store/rhythm";
import { entryOf } from "../table";
import { LAST, nextFrom, readRule, type Rule } from "./rules";

export const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6];

/** The first of January 2024 was a Monday. */
export const dayName = (day: number, weekday: "long" | "short") =>
  new Intl.DateTimeFormat(region(), { weekday }).format(new Date(2024, 0, 1 + day));

const wall = (at: string) => clockTime(new Date(`2024-01-01T${at}`));

const namesOf = (days: number[]) => listed([...days].sort((a, b) => a - b).map((day) => dayName(day, "long")));

function inPlace([place, day]: [number, number]): string {
  const name = { day: dayName(day, "long") };
  if (place === 1) return t("the first {day}", name);
  if (place === 2) return t("the second {day}", name);
  if (place === 3) return t("the third {day}", name);
  if (place === 4) return t("the fourth {day}", name);
  return t("the last {day}", name);
}

const onDate = (date: number) => (date === LAST ? t("the last day") : t("day {n}", { n: date }));

/** How often a rule comes: "Every second Tuesday". */
export function ruleInWords({ every, interval, days, places, dates }: Rule): string {
  if (every === "MONTHLY") {
    const on = listed([...places.map(inPlace), ...dates.map(onDate)]);
    if (interval === 1) return t("Each month on {days}", { days: on });
    return tn("Every {n} month on {days}", "Every {n} months on {days}", interval, { days: on });
  }
  if (every === "DAILY") return interval === 1 ? t("Every day") : tn("Every {n} day", "Every {n} days", interval);
  const names = namesOf(days);
  if (interval === 1) return names;
  if (interval === 2 && days.length === 1) return t("Every second {day}", { day: names });
  if (interval === 2) return t("Every second week on {days}", { days: names });
  return tn("Every {n} week on {days}", "Every {n} weeks on {days}", interval, { days: names });
}

/** The parts of a rhythm: the times without a rule first, then those of each rule. */
export function partsOf({ at = [], days = EVERY_DAY, from = {}, rrule = {} }: Rhythm) {
  const ruleOf = (time: string) => (typeof rrule === "string" ? rrule : (entryOf(rrule, time) ?? ""));
  const texts = [...new Set(["", ...at.map(ruleOf)])];
  return texts
    .map((rule) => {
      const times = at.filter((time) => ruleOf(time) === rule);
      const windows = Object.fromEntries(times.flatMap((time) => (entryOf(from, time) ? [[time, from[time]]] : [])));
      return { at: times, from: windows, days: rule ? EVERY_DAY : days, rule };
    })
    .filter(({ at: times }) => times.length > 0);
}

type Part = ReturnType<typeof partsOf>[number];

function partInWords({ at, from, days, rule: text }: Part): string {
  const oneTime = (end: string) => {
    const begin = entryOf(from, end);
    return begin ? t("any time from {begin} to {end}", { begin: wall(begin), end: wall(end) }) : wall(end);
  };
  const times = listed(at.map(oneTime));
  const hasWindows = Object.keys(from).length > 0;
  if (!text && days.length === EVERY_DAY.length)
    return hasWindows ? t("Every day, {times}", { times }) : t("Every day at {times}", { times });
  const rule = text ? readRule(text) : null;
  const values = { times, days: rule ? ruleInWords(rule) : namesOf(days) };
  const rhythm = hasWindows ? t("{days}, {times}", values) : t("{days} at {times}", values);
  if (!rule || (rule.every !== "MONTHLY" && rule.interval === 1)) return rhythm;
  const today = now.value;
  const isOver = at.every((time) => time <= clockOf(today));
  const next = nextFrom(rule, isoDay(isOver ? new Date(today.getTime() + DAY_MS) : today));
  return next ? t("{rhythm}, next on {day}", { rhythm, day: ofDate(next) }) : rhythm;
}

const DAY_MS = 86_400_000;

const clockOf = (when: Date) =>
  `${String(when.getHours()).padStart(2, "0")}:${String(when.getMinutes()).padStart(2, "0")}`;

/** The date on the phone's calendar. */
export const isoDay = (when: Date) =>
  `${when.getFullYear()}-${String(when.getMonth() + 1).padStart(2, "0")}-${String(when.getDate()).padStart(2, "0")}`;

export function inWords(rhythm: Rhythm): string {
  if (rhythm.every_s) return t("Every {n} seconds", { n: rhythm.every_s });
  return partsOf(rhythm).map(partInWords).join(". ");
}

/** The day that a date means, wherever one is. */
export const ofDate = (day: string) => longDay(new Date(`${day}T12:00`));

/** A proposal: the rhythm, with its days where it is for some only. */
export function proposedInWords({
  rhythm,
  first,
  last,
}: {
  rhythm: Rhythm;
  first?: string | null;
  last?: string | null;
}) {
  if (!first || !last) return inWords(rhythm);
  return t("{first} to {last}: {rhythm}", { first: ofDate(first), last: ofDate(last), rhythm: inWords(rhythm) });
}

export function Sums({ sums }: { sums: Sum[] }) {
  return (
    <>
      {sums.map(({ due_at: due, told_by, from_at: from, is_told }) => {
        if (!is_told) {
          // Nobody promises that an adult comes: no message would reach one.
          const time = from ? `${moment(from, now.value)} – ${clockTime(due)}` : moment(due, now.value);
          return (
            <p key={due}>
              {t("Check-in: {time}. If you don't answer, the people who look after you can see that.", { time })}
            </p>
          );
        }
        const told = moment(told_by, now.value);
        return (
          <p key={due}>
            {from
              ? t("Check-in: {begin} to {due}. If you don't answer, we tell an adult by {told}.", {
                  begin: moment(from, now.value),
                  due: clockTime(due),
                  told,
                })
              : t("Check-in: {due}. If you don't answer, we tell an adult by {told}.", {
                  due: moment(due, now.value),
                  told,
                })}
          </p>
        );
      })}
    </>
  );
}
