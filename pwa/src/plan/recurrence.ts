/**
 * The days on which a step comes again. Pure: without any part of the app, so that the same cases can be put to
 * the server, which has the last word on whose turn it is.
 */

export type Repeats = "none" | "weekly" | "monthly";

/** Something that was said about a step, in the order in which it was said. */
export interface Event {
  field: string;
  value: unknown;
  /** The day, on the owner's calendar, on which the server heard of it. */
  day: string;
}

const DAY_MS = 86_400_000;

const two = (n: number) => String(n).padStart(2, "0");

/** Days are counted in one zone without summer time: a date is a date. */
function numbers(day: string): [number, number, number] {
  const [year, month, date] = day.split("-").map(Number);
  return [year!, month! - 1, date!];
}

const iso = (when: Date) => `${when.getUTCFullYear()}-${two(when.getUTCMonth() + 1)}-${two(when.getUTCDate())}`;

/** The day so many turns after the first; the 31st is the last day of a shorter month. */
function later(first: string, turns: number, repeats: Repeats): string {
  const [year, month, date] = numbers(first);
  if (repeats === "weekly") return iso(new Date(Date.UTC(year, month, date + 7 * turns)));
  const longest = new Date(Date.UTC(year, month + turns + 1, 0)).getUTCDate();
  return iso(new Date(Date.UTC(year, month + turns, Math.min(date, longest))));
}

/** The first day on which it comes again that is not before this one. */
export function firstFrom(first: string, repeats: Repeats, from: string): string {
  if (repeats === "none" || from <= first) return first;
  const days = (Date.UTC(...numbers(from)) - Date.UTC(...numbers(first))) / DAY_MS;
  let turns = Math.max(0, Math.floor(days / (repeats === "weekly" ? 7 : 31)) - 1);
  while (later(first, turns, repeats) < from) turns += 1;
  return later(first, turns, repeats);
}

const dayAfter = (day: string) => iso(new Date(Date.UTC(...numbers(day)) + DAY_MS));

export const isRepeats = (value: unknown): value is Repeats => value === "weekly" || value === "monthly";

const isDay = (value: unknown): value is string => typeof value === "string" && /^\d{4}-\d{2}-\d{2}$/.test(value);

/**
 * The day of the turn that stands after all of this. Done late, it is done for every time that has passed; done
 * early, for the coming time. Other days begin anew behind what was said last to be done.
 */
export function pendingAfter(events: readonly Event[]): string {
  let first = "";
  let rhythm: Repeats = "none";
  let pending = "";
  let settled = "";
  for (const { field, value, day } of events) {
    if (field === "status") {
      const isSettled = value === "done" || value === "not_done";
      settled = isSettled ? day : "";
      if (!isSettled) continue;
      if (rhythm === "none" || !first) continue;
      const passed = dayAfter(pending);
      pending = firstFrom(first, rhythm, passed > day ? passed : day);
      continue;
    }
    if (field === "due_on") first = isDay(value) ? value : "";
    else rhythm = isRepeats(value) ? value : "none";
    if (!first) continue;
    // The time that stands goes on, unless the step comes at other times now.
    const goesOn = rhythm !== "none" && pending !== "" && firstFrom(first, rhythm, pending) === pending;
    if (!goesOn) pending = firstFrom(first, rhythm, settled || first);
  }
  return pending;
}
