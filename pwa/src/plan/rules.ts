/**
 * The days on which a check-in time comes, where weekdays alone do not say it: every second Tuesday, the first
 * Monday of a month. A part of RFC 5545, the same as the server's. Pure, so that the same cases can be put to both.
 */

/** The last one in a month. */
export const LAST = -1;

export interface Rule {
  every: "DAILY" | "WEEKLY" | "MONTHLY";
  interval: number;
  /** In a week: 0 is Monday. */
  days: number[];
  /** In a month: which one (1 to 4 or the last), and the day of the week. */
  places: [number, number][];
  /** In a month: 1 to 28, or the last day. */
  dates: number[];
  /** From here on weeks, days and months are counted. */
  start: string;
}

const DAY_MS = 86_400_000;
const COUNTED_FROM = "2024-01-01";
const CODES = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
/** No rule has a longer gap than a year and some days. */
const FAR = 400;

const iso = (ms: number) => new Date(ms).toISOString().slice(0, 10);
/** Days are counted in one zone without summer time: a date is a date. */
const number = (day: string) => Math.round(Date.parse(`${day}T00:00:00Z`) / DAY_MS);

const rest = (n: number, of: number) => ((n % of) + of) % of;

/** A rule from its text, as the server writes it. */
export function readRule(text: string): Rule {
  const lines = text.trim().split(/\r?\n/);
  const parts = new Map(
    lines[lines.length - 1]!.replace(/^RRULE:/, "")
      .split(";")
      .map((part) => part.split("=") as [string, string]),
  );
  const start = /:(\d{4})(\d\d)(\d\d)$/.exec(lines.length > 1 ? lines[0]! : "");
  const byDay = (parts.get("BYDAY") ?? "").split(",").filter(Boolean);
  const every = parts.get("FREQ") as Rule["every"];
  const placed = byDay.map((code): [number, number] => [Number(code.slice(0, -2)), CODES.indexOf(code.slice(-2))]);
  return {
    every,
    interval: Number(parts.get("INTERVAL") ?? "1"),
    days: every === "WEEKLY" ? placed.map(([, day]) => day) : [],
    places: every === "MONTHLY" ? placed : [],
    dates: (parts.get("BYMONTHDAY") ?? "").split(",").filter(Boolean).map(Number),
    start: start ? `${start[1]}-${start[2]}-${start[3]}` : COUNTED_FROM,
  };
}

/** The text of a rule, as the server writes it. */
export function ruleText({ every, interval, days, places, dates, start }: Rule): string {
  const parts = [`FREQ=${every}`];
  if (interval > 1) parts.push(`INTERVAL=${interval}`);
  if (days.length > 0)
    parts.push(
      `BYDAY=${[...days]
        .sort((a, b) => a - b)
        .map((day) => CODES[day])
        .join(",")}`,
    );
  if (places.length > 0) parts.push(`BYDAY=${places.map(([place, day]) => `${place}${CODES[day]}`).join(",")}`);
  if (dates.length > 0) parts.push(`BYMONTHDAY=${dates.join(",")}`);
  const rule = parts.join(";");
  const isCounted = interval > 1 && start !== COUNTED_FROM;
  return isCounted ? `DTSTART;VALUE=DATE:${start.replaceAll("-", "")}\nRRULE:${rule}` : rule;
}

/** Whether it comes on this day. */
export function comesOn(rule: Rule, day: string): boolean {
  const [here, start] = [number(day), number(rule.start)];
  // The first of January 1970 was a Thursday.
  const weekday = rest(here + 3, 7);
  if (rule.every === "DAILY") return rest(here - start, rule.interval) === 0;
  if (rule.every === "WEEKLY") {
    const weeks = (here - weekday - (start - rest(start + 3, 7))) / 7;
    return rule.days.includes(weekday) && rest(weeks, rule.interval) === 0;
  }
  const [year, month, date] = day.split("-").map(Number) as [number, number, number];
  const [startYear, startMonth] = rule.start.split("-").map(Number) as [number, number];
  if (rest((year - startYear) * 12 + month - startMonth, rule.interval) !== 0) return false;
  const longest = new Date(Date.UTC(year, month, 0)).getUTCDate();
  const isLast = date + 7 > longest;
  return (
    rule.dates.some((which) => which === date || (which === LAST && date === longest)) ||
    rule.places.some(([place, which]) => which === weekday && (place === LAST ? isLast : Math.ceil(date / 7) === place))
  );
}

/** The first day on which it comes, from this one on; null for a rule that this phone does not understand. */
export function nextFrom(rule: Rule, day: string): string | null {
  for (let n = number(day); n < number(day) + FAR; n += 1) if (comesOn(rule, iso(n * DAY_MS))) return iso(n * DAY_MS);
  return null;
}
