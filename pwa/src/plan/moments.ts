/** The moments of a project that count: what was agreed, and the days on which something was said. Pure. */
import { isoDay } from "./labels";
import type { Change, Who } from "./merge";
import { isOwnWord, signedIn } from "./past";
import type { Person } from "./state";

export interface Agreed {
  revision: number;
  at: string;
  /** By what they said of it; of each person the last word counts. */
  said: Record<"agree" | "in_part" | "disagree", Who[]>;
  /** Who said it aloud while another person wrote it down. */
  aloud: Who[];
  isBinding: boolean;
}

export interface Day {
  day: string;
  /** The numbers before the first change of the day, and after the last. */
  from: number;
  to: number;
  who: Who[];
  count: number;
}

interface Answer {
  revision: number;
  decision: "agree" | "in_part" | "disagree";
  of_id?: string | null;
}

/** What was signed or answered, the latest first. */
export function agreedIn(child: string, rows: readonly Change[], people: readonly Person[]): Agreed[] {
  const binding = new Set(signedIn(child, rows, people).map(({ revision }) => revision));
  const byRevision = new Map<number, Map<string, Change>>();
  for (const row of rows) {
    if (row.entity !== "agreement" || row.field !== "*" || !row.received_at) continue;
    const { revision } = row.value as Answer;
    const answers = byRevision.get(revision) ?? new Map<string, Change>();
    const whose = isOwnWord(row) ? row.who.id : `of ${(row.value as Answer).of_id}`;
    const earlier = answers.get(whose);
    if (!earlier || earlier.received_at! <= row.received_at) answers.set(whose, row);
    byRevision.set(revision, answers);
  }
  const roleOf = (id: unknown) => people.find((person) => person.id === id)?.role ?? "";
  const all = [...byRevision].map(([revision, answers]): Agreed => {
    const list = [...answers.values()];
    const own = list.filter(isOwnWord);
    const by = (decision: string) =>
      own.filter((row) => (row.value as Answer).decision === decision).map(({ who }) => who);
    return {
      revision,
      at: list
        .map((row) => row.received_at!)
        .sort()
        .at(-1)!,
      said: { agree: by("agree"), in_part: by("in_part"), disagree: by("disagree") },
      aloud: list
        .filter((row) => !isOwnWord(row))
        .map((row) => ({ id: String((row.value as Answer).of_id), role: roleOf((row.value as Answer).of_id) })),
      isBinding: binding.has(revision),
    };
  });
  return all.sort((a, b) => b.revision - a.revision);
}

/** What counts as something said about the path: its goals, steps and reviews, and what frames them. */
const COUNTS = ["life_project", "goal", "step", "review", "choice"];

/** The days on which something came, the latest first. */
export function daysOf(rows: readonly Change[]): Day[] {
  const byDay = new Map<string, { to: number; who: Map<string, Who>; count: number }>();
  for (const row of rows) {
    if (row.revision === undefined || !row.received_at || !COUNTS.includes(row.entity)) continue;
    const name = isoDay(new Date(row.received_at));
    const entry = byDay.get(name) ?? { to: 0, who: new Map<string, Who>(), count: 0 };
    entry.to = Math.max(entry.to, row.revision);
    entry.who.set(row.who.id, row.who);
    entry.count += 1;
    byDay.set(name, entry);
  }
  let from = 0;
  const days = [...byDay]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([day, { to, who, count }]): Day => {
      const moment = { day, from, to: Math.max(to, from), who: [...who.values()], count };
      from = moment.to;
      return moment;
    });
  return days.reverse();
}
