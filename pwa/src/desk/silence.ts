/**
 * A watch level as one bar of silence: which moment follows from which numbers, and where it is. What is drawn is said
 * by the page as data (server/desk/policies/bar.py), so both draw the same.
 */
export type Clock = "due" | "sign";
export type Shape = "asks" | "at_once" | "weighs";

export interface Mark {
  code: string;
  clock: Clock;
  /** So many times each of these durations. */
  sum: Record<string, number>;
  shapes: Shape[];
  /** The duration that its handle changes; empty: it has no handle. */
  field: string;
  low: boolean;
  /** Its sentence, by the shape of the level or in each. */
  says: Record<string, string>;
}

export interface Part {
  looks: string;
  begin: string;
  end: string;
  shapes: Shape[];
}

export interface Bound {
  within: string[];
  whole: string;
  words: string;
}

export interface Model {
  tier: string;
  scale: Record<Clock, [number, number][]>;
  ends: Record<string, number>;
  marks: Mark[];
  parts: Part[];
  ladder: Record<Shape, string>;
  bounds: Bound[];
  longest: number;
  rungs: number;
}

/** What the form says of the level: seconds, null where a number is left empty. */
export interface Level {
  durations: Record<string, number | null>;
  shape: Shape;
  asksCarer: boolean;
  rungs: number;
}

/** How far a handle may go, in seconds of its duration, and the words of the bound that it meets. */
export interface Range {
  least: number;
  most: number;
  leastWords: string;
  mostWords: string;
}

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
const SIZES: Record<string, number> = { s: 1, m: MINUTE, h: HOUR, d: DAY };
/** Where a handle stops on its way: durations that people choose. */
const STOPS = [
  ...[1, 2, 3, 5, 10, 15, 20, 25, 30, 40, 45, 50].map((n) => n * MINUTE),
  ...[1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9, 10, 12, 15, 18, 21].map((n) => n * HOUR),
  ...[24, 30, 36, 42, 48, 60, 72, 84, 96].map((n) => n * HOUR),
  ...[5, 6, 7, 10, 14, 21, 30].map((n) => n * DAY),
];

// --- the scale

/** Reads the points of a scale from one column to the other. */
function between(points: [number, number][], value: number, from: 0 | 1, to: 0 | 1): number {
  const last = points[points.length - 1]!;
  let before = points[0]!;
  if (value <= before[from]) return before[to];
  for (const point of points) {
    if (value <= point[from] && point[from] > before[from]) {
      const share = (value - before[from]) / (point[from] - before[from]);
      return before[to] + share * (point[to] - before[to]);
    }
    before = point;
  }
  return last[to];
}

/** The place of a moment, from 0 to 100. */
export const place = (model: Model, clock: Clock, seconds: number) => between(model.scale[clock], seconds, 0, 1);

/** The moment at a place. */
export const momentAt = (model: Model, clock: Clock, at: number) => between(model.scale[clock], at, 1, 0);

// --- the moments

/** The moment of a mark in seconds; null where it is not on the bar. */
export function momentOf(mark: Mark, level: Level): number | null {
  if (!mark.shapes.includes(level.shape) || (mark.code === "carer" && !level.asksCarer)) return null;
  let seconds = 0;
  for (const [key, times] of Object.entries(mark.sum)) {
    const duration = level.durations[key];
    if (duration === null || duration === undefined) return null;
    seconds += times * duration;
  }
  return mark.code === "last_call" && seconds < (level.durations["grace"] ?? 0) ? null : seconds;
}

export function placeOf(model: Model, code: string, level: Level): number | null {
  const end = model.ends[code];
  if (end !== undefined) return end;
  const mark = model.marks.find((each) => each.code === code);
  const seconds = mark ? momentOf(mark, level) : null;
  return mark && seconds !== null ? place(model, mark.clock, seconds) : null;
}

/** The stretches of the bar in their order, each with its looks, its begin and its width. */
export function stretches(model: Model, level: Level): [string, number, number][] {
  return model.parts
    .filter((part) => part.shapes.includes(level.shape))
    .map((part) => {
      const begin = placeOf(model, part.begin, level);
      const end = placeOf(model, part.end, level) ?? placeOf(model, "ceiling", level);
      return [part.looks, begin ?? 0, begin === null || end === null ? 0 : Math.max(end - begin, 0)];
    });
}

/** Where the next ones are called, if nobody takes it. */
export function rungs(model: Model, level: Level): number[] {
  const mark = model.marks.find((each) => each.code === model.ladder[level.shape]);
  const first = mark ? momentOf(mark, level) : null;
  const each = level.durations["each"];
  if (!mark || first === null || !each) return [];
  return Array.from({ length: level.rungs - 1 }, (_, n) => place(model, mark.clock, first + (n + 1) * each));
}

// --- the handles

const sumOf = ({ durations }: Level, keys: string[]) => keys.reduce((all, key) => all + (durations[key] ?? 0), 0);

/** How far a duration may go while all others stay as they are. */
export function rangeOf(model: Model, level: Level, field: string): Range {
  const range: Range = { least: MINUTE, most: model.longest, leastWords: "", mostWords: "" };
  const sum = (keys: string[]) => sumOf(level, keys);
  for (const { within, whole, words } of model.bounds) {
    if (whole === field && sum(within) > range.least) Object.assign(range, { least: sum(within), leastWords: words });
    const rest = sum([whole]) - sum(within.filter((key) => key !== field));
    if (within.includes(field) && rest < range.most) Object.assign(range, { most: rest, mostWords: words });
  }
  // Time to ask the carer that is longer than the longest silence would be before it began.
  if (field === "habit.ask_before") range.most = Math.min(range.most, level.durations["ceiling"] ?? range.most);
  return range;
}

/** The words of the first bound that the numbers break; empty where none is. */
export function broken(model: Model, level: Level): string {
  return model.bounds.find(({ within, whole }) => sumOf(level, within) > sumOf(level, [whole]))?.words ?? "";
}

const clamped = (seconds: number, { least, most }: Range) => Math.max(Math.min(seconds, most), least);

/** The duration nearest to a moment at which a handle stops. */
export function durationNear(model: Model, level: Level, mark: Mark, moment: number): number {
  const range = rangeOf(model, level, mark.field);
  const times = mark.sum[mark.field] ?? 1;
  const rest = Object.entries(mark.sum).reduce(
    (all, [key, each]) => all + (key === mark.field ? 0 : each * (level.durations[key] ?? 0)),
    0,
  );
  const wanted = (moment - rest) / times;
  const goes = [...STOPS, range.least, range.most].filter((stop) => stop >= range.least && stop <= range.most);
  if (!goes.length) return level.durations[mark.field] ?? MINUTE;
  return goes.reduce((best, stop) => (Math.abs(stop - wanted) < Math.abs(best - wanted) ? stop : best));
}

/** The duration so many stops later (or earlier, below zero) on the clock; at the end of the way, its end. */
export function stepped(model: Model, level: Level, mark: Mark, steps: number): number {
  const range = rangeOf(model, level, mark.field);
  const grows = steps * (mark.sum[mark.field] ?? 1) > 0;
  let now = level.durations[mark.field] ?? MINUTE;
  for (let n = 0; n < Math.abs(steps); n++) {
    const next = grows ? STOPS.find((stop) => stop > now) : STOPS.filter((stop) => stop < now).pop();
    now = next ?? (grows ? model.longest : MINUTE);
  }
  // Numbers that are out of bounds already stay as they were typed.
  return range.least > range.most ? (level.durations[mark.field] ?? MINUTE) : clamped(now, range);
}

/** The earliest or the latest that a handle goes. */
export function furthest(model: Model, level: Level, mark: Mark, isLatest: boolean): number {
  const range = rangeOf(model, level, mark.field);
  if (range.least > range.most) return level.durations[mark.field] ?? MINUTE;
  return isLatest === (mark.sum[mark.field] ?? 1) > 0 ? range.most : range.least;
}

// --- what is typed

/** A number of the form in seconds: null where it is empty, undefined where it is none. */
export function secondsOf(text: string, unit: string): number | null | undefined {
  if (text.trim() === "") return null;
  // As the server does: a person may type the digits of their own script.
  const plain = text.trim().replace(/[٠-٩۰-۹]/g, (digit) => String(digit.charCodeAt(0) & 0xf));
  const size = SIZES[unit];
  return /^\d{1,7}$/.test(plain) && Number(plain) > 0 && size ? Number(plain) * size : undefined;
}

/** A duration as the form has it: in the unit that is chosen there, if it goes into it. */
export function typed(seconds: number, unit: string): [string, string] {
  const units = unit === "m" && seconds >= HOUR ? ["h", "m", "s"] : [unit, "h", "m", "s"];
  const chosen = units.find((each) => seconds % (SIZES[each] ?? Infinity) === 0) ?? "s";
  return [String(seconds / SIZES[chosen]!), chosen];
}

/** "2 hours 30 minutes", as the server writes it. */
export function spoken(seconds: number, language: string): string {
  const size = Math.abs(seconds);
  const said = (n: number, unit: string) =>
    new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(n);
  if (size % MINUTE) return said(size, "second");
  const [days, rest] = [Math.floor(size / DAY), size % DAY];
  const [hours, minutes] = [Math.floor(rest / HOUR), Math.floor((rest % HOUR) / MINUTE)];
  const parts: [number, string][] = days
    ? [
        [days, "day"],
        [hours, "hour"],
      ]
    : [
        [hours, "hour"],
        [minutes, "minute"],
      ];
  const shown = parts.filter(([n]) => n);
  return (shown.length ? shown : ([[0, "minute"]] as [number, string][])).map(([n, unit]) => said(n, unit)).join(" ");
}

/** What a mark says of these numbers. */
export function sentence(mark: Mark, level: Level, language: string): string {
  const words = mark.says[level.shape] ?? mark.says[""] ?? "";
  const own = level.durations[mark.field || "last_call"] ?? 0;
  return words
    .replace("{span}", spoken(own, language))
    .replace("{total}", spoken(momentOf(mark, level) ?? 0, language));
}
