/**
 * A project's changes between this phone and the server: what waits goes out, what others said comes in.
 *
 * The promises: a change goes out under the same id every time; it leaves the outbox only after what came of
 * it is written down here; what is refused stays with the server's sentence. Page and worker share this file.
 */
import { ask, Refused, Unreachable, type Epoch } from "../api";
import type { Change, Who as Person } from "../plan/merge";
import { read, write, type Who } from "./db";
import { phoneOf } from "./mates";

/** Whose project, and where the server has it: a child's own, or that of a child the person works with. */
export interface Place {
  child: string;
  path: string;
}

/** A change as it goes out. Who says it, the server knows by the session. */
export type Body = Omit<Change, "who" | "received_at">;

export interface Outgoing {
  id: string;
  body: Body;
  as: Person;
}

export interface Problem {
  code: string;
  detail: string;
}

interface Result {
  id: string;
  status: "applied" | "known" | "kept_beside" | "refused" | "quarantined";
  received_at?: string;
  revision?: number;
  problem?: { code?: string; detail?: string };
}

interface Answer {
  results: Result[];
  changes: Change[];
  cursor: string;
  epoch?: Epoch | null;
}

/** What the outbox does as things become clear. */
export interface Ledger {
  settled(ids: string[]): Promise<void>;
  refused(id: string, problem: Problem): Promise<void>;
  /** What the server had confirmed and may have lost: it waits again, before whatever else does. */
  again(lost: Outgoing[]): Promise<void>;
}

/** Rows lie in boxes of this many: a new one costs one small box, not all of them. */
const BOX = 500;
const MOST_CHANGES = 500;
const MOST_LETTERS = 250_000;
const MOST_TURNS = 1_000;

interface Head {
  cursor: string | null;
  boxes: number;
  /** Of the server's database, where that was put back from a backup once. */
  epoch?: string;
}

const headName = (child: string) => `project ${child}`;
const boxName = (child: string, n: number) => `project ${child} ${n}`;

async function headOf(who: Who, child: string): Promise<Head> {
  return (await read<Head>(who, headName(child))) ?? { cursor: null, boxes: 0 };
}

/** The rows that this phone has, from the box with that number on, and how many boxes there are. */
export async function rowsOf(who: Who, child: string, from = 0): Promise<{ rows: Change[]; boxes: number }> {
  const { boxes } = await headOf(who, child);
  const numbers = Array.from({ length: Math.max(0, boxes - from) }, (_, n) => from + n);
  const contents = await Promise.all(numbers.map((n) => read<Change[]>(who, boxName(child, n))));
  return { rows: contents.flatMap((box) => box ?? []), boxes };
}

/** The rows first, then the cursor: after a fall in between, the same rows simply come again. */
async function append(who: Who, child: string, head: Head, rows: Change[], cursor: string): Promise<Head> {
  let { boxes } = head;
  if (rows.length > 0) {
    const last = boxes > 0 ? ((await read<Change[]>(who, boxName(child, boxes - 1))) ?? []) : [];
    const ids = new Set(last.map((row) => row.id));
    const all = [...last, ...rows.filter((row) => !ids.has(row.id))];
    let n = Math.max(0, boxes - 1);
    for (let at = 0; at < all.length; at += BOX, n += 1) {
      await write(who, boxName(child, n), all.slice(at, at + BOX));
    }
    boxes = Math.max(boxes, n);
  }
  const next = { ...head, cursor, boxes };
  if (next.cursor !== head.cursor || next.boxes !== head.boxes) await write(who, headName(child), next);
  return next;
}

/** As many as one request may hold; at least one. */
function batchOf(waiting: Outgoing[], most: number): Outgoing[] {
  let letters = 0;
  const end = waiting.findIndex(({ body }, n) => {
    letters += JSON.stringify(body).length;
    return n > 0 && (n >= most || letters > MOST_LETTERS);
  });
  return end < 0 ? waiting.slice(0, most) : waiting.slice(0, end);
}

/** The request as a whole was refused: a smaller one shows which of its changes is at fault. */
const isTooMuch = (why: unknown): why is Refused => why instanceof Refused && [400, 413, 422].includes(why.status);

function rowOf({ body, as }: Outgoing, result: Result): Change {
  const row = { ...body, who: as, received_at: result.received_at ?? new Date().toISOString() };
  return result.revision === undefined ? row : { ...row, revision: result.revision };
}

/** What became of one change that was sent: its row, or null where it stays in the outbox. */
async function settle(change: Outgoing, result: Result | undefined, ledger: Ledger): Promise<Change | null> {
  if (!result) return null;
  if (result.status === "quarantined") await ledger.refused(change.id, { code: "quarantined", detail: "" });
  else if (result.status !== "refused") return rowOf(change, result);
  // What comes before its thing or its base goes out again later, as it is.
  else if (result.problem?.code !== "not_there") {
    const { code = "unknown", detail = "" } = result.problem ?? {};
    await ledger.refused(change.id, { code, detail });
  }
  return null;
}

async function post(who: Who, place: Place, cursor: string | null, batch: Outgoing[]): Promise<Answer> {
  const changes = batch.map(({ body }) => body);
  const answer = await ask<Answer>("POST", `${place.path}/sync`, { cursor, changes }, await phoneOf(who));
  if (!Array.isArray(answer?.results) || !Array.isArray(answer.changes)) throw new Unreachable("not ours");
  return answer;
}

/** What came in before the backup began may have been stored after it had. */
const MARGIN_MS = 10 * 60_000;

function outgoing({ who: as, received_at: _received, revision: _revision, ...body }: Change): Outgoing {
  return { id: body.id, body, as };
}

/**
 * The server was put back from a backup: one's own words since then wait again, and everything is asked for
 * anew. First the outbox, then the head: after a fall in between the same is done again.
 */
async function beginAnew(who: Who, child: string, epoch: Epoch, ledger: Ledger): Promise<[Head, Outgoing[]]> {
  const since = Date.parse(epoch.from_at) - MARGIN_MS;
  const isLost = ({ who: { id }, received_at }: Change) =>
    id === who && !!received_at && Date.parse(received_at) >= since;
  const lost = (await rowsOf(who, child)).rows.filter(isLost).map(outgoing);
  await ledger.again(lost);
  const head: Head = { cursor: null, boxes: 0, epoch: epoch.id };
  await write(who, headName(child), head);
  return [head, lost];
}

/** What an exchange did: how many rows are new here, and how many changes came too early and stay. */
export interface Exchanged {
  came: number;
  early: number;
}

/**
 * Sends what waits and takes what came, in as many requests as it takes.
 * Throws Refused or Unreachable; what went well before that is written down.
 */
export async function exchange(who: Who, place: Place, pending: Outgoing[], ledger: Ledger): Promise<Exchanged> {
  let waiting = [...pending];
  let head = await headOf(who, place.child);
  let most = MOST_CHANGES;
  let came = 0;
  let early = 0;
  for (let turn = 0; turn < MOST_TURNS; turn += 1) {
    const batch = batchOf(waiting, most);
    let answer: Answer;
    try {
      answer = await post(who, place, head.cursor, batch);
    } catch (why) {
      if (!isTooMuch(why) || batch.length === 0) throw why;
      if (batch.length > 1) most = Math.ceil(batch.length / 2);
      else await ledger.refused(waiting.shift()!.id, { code: why.code, detail: why.detail });
      continue;
    }
    if (answer.epoch && answer.epoch.id !== head.epoch) {
      // Whatever this answer says about the batch, it says again to the same ids.
      const [anew, lost] = await beginAnew(who, place.child, answer.epoch, ledger);
      const ids = new Set(lost.map(({ id }) => id));
      head = anew;
      waiting = [...lost, ...waiting.filter(({ id }) => !ids.has(id))];
      continue;
    }
    waiting.splice(0, batch.length);
    const results = new Map(answer.results.map((result) => [result.id, result]));
    const rows = [...answer.changes];
    const settled: string[] = [];
    for (const change of batch) {
      const row = await settle(change, results.get(change.id), ledger);
      if (!row) continue;
      rows.push(row);
      settled.push(change.id);
    }
    const moved = answer.cursor !== head.cursor;
    head = await append(who, place.child, head, rows, answer.cursor);
    if (settled.length > 0) await ledger.settled(settled);
    came += rows.length;
    early += batch.filter(({ id }) => results.get(id)?.problem?.code === "not_there").length;
    if (waiting.length === 0 && !moved) break;
  }
  return { came, early };
}

export type Exchange = typeof exchange;
