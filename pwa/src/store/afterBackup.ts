/**
 * The server was put back from a backup, and has lost what it confirmed since then: it is handed in again, under
 * the same ids, as of the moment at which it was confirmed. What it does have, it knows by the id.
 *
 * Of choices about the same thing only the last is handed in, and none where a later one waits.
 *
 * How one wanted to be met, and by which of the two ways one said "I'm OK", is gone from this phone on purpose.
 */
import type { Answer, Day, Epoch } from "../api";
import { keepRow, read, write, type Who } from "./db";
import { aboutOf, type Content } from "./kinds";
import { waiting, type Sent } from "./outbox";

/** What came in before the backup began may have been stored after it had. */
const MARGIN_MS = 10 * 60_000;
/** Of what has the time of this phone alone, which may be wrong. */
const A_DAY_MS = 24 * 3_600_000;

function answerOf({ id, said_at, mood, note, want, received_at }: Day): Content {
  const body: Answer = { id, said_at, mood, note, want, mark: "a", confirmed_at: received_at! };
  return { kind: "check_in", body };
}

/** A wish for an advocate that came true since it was confirmed is no wish any more: its row looks (kinds.ts). */
function withMoment(content: Content, at: string): Content {
  if (content.kind !== "advocate-wish") return content;
  return { ...content, body: { confirmed_at: at, ...content.body } };
}

/** What counts: of several about the same thing the last, unless a later one waits. */
async function standing(who: Who, sent: Sent[]): Promise<Sent[]> {
  const later = new Set((await waiting(who)).map(aboutOf));
  const last = new Map(sent.map((each) => [aboutOf(each.content) ?? each.id, each]));
  return [...last.values()]
    .filter(({ content }) => aboutOf(content) === undefined || !later.has(aboutOf(content)))
    .map((each) => ({ ...each, content: withMoment(each.content, each.at) }));
}

/** Puts it before whatever waits. Called again after a fall in the middle, it does the same again. */
export async function handInAgain(who: Who, { id, from_at }: Epoch): Promise<void> {
  const since = Date.parse(from_at) - MARGIN_MS;
  const days = (await read<Day[]>(who, "days")) ?? [];
  const sent = (await read<Sent[]>(who, "sent")) ?? [];
  const lost = [
    ...days
      .filter(({ received_at }) => received_at !== null && Date.parse(received_at) >= since)
      .map((day) => ({ id: day.id, at: day.received_at!, content: answerOf(day) })),
    ...(await standing(who, sent)).filter(({ at }) => Date.parse(at) >= since - A_DAY_MS),
  ].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  for (const [n, { id: of, content }] of lost.entries()) await keepRow(who, of, content, n - lost.length);
  await write(who, "epoch", id);
}
