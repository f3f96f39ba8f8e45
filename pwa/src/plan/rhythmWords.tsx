/** A rhythm in words, and what it comes to. */
import { clockTime, longDay, moment, region, t } from "../i18n";
import { now } from "../store/now";
import type { Rhythm, Sum } from "../store/rhythm";
import { listed } from "./labels";

export const EVERY_DAY = [0, 1, 2, 3, 4, 5, 6];

/** The first of January 2024 was a Monday. */
export const dayName = (day: number, weekday: "long" | "short") =>
  new Intl.DateTimeFormat(region(), { weekday }).format(new Date(2024, 0, 1 + day));

const wall = (at: string) => clockTime(new Date(`2024-01-01T${at}`));

export function inWords({ at = [], days = EVERY_DAY, every_s: seconds, from = {} }: Rhythm): string {
  if (seconds) return t("Every {n} seconds", { n: seconds });
  const oneTime = (end: string) =>
    from[end] ? t("any time from {begin} to {end}", { begin: wall(from[end]), end: wall(end) }) : wall(end);
  const values = { times: listed(at.map(oneTime)), days: listed(days.map((day) => dayName(day, "long"))) };
  const isDaily = days.length === EVERY_DAY.length;
  if (Object.keys(from).length > 0) return isDaily ? t("Every day, {times}", values) : t("{days}, {times}", values);
  return isDaily ? t("Every day at {times}", values) : t("{days} at {times}", values);
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
      {sums.map(({ due_at: due, told_by, from_at: from }) => {
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
