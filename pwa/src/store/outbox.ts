/**
 * The outbox: what the child said and the server has not confirmed yet.
 *
 * The promises: nothing is dropped unless the server confirmed it or the child threw it away; the same id
 * every time, so that sending twice changes nothing; help goes first, then in the order in which it was said;
 * "sent" is said only after the server said so. Page and worker share this file.
 */
import { ask, Refused, Unreachable, type Answer, type Receipt } from "../api";
import { uuid } from "../bytes";
import { dropRow, dropRows, keepRow, read, rows, writeIfRoom, type Who } from "./db";
import { aboutOf, isOurs, rowOf, type Content, type ProjectChange } from "./kinds";
import { phoneOf } from "./mates";
import type { Exchange, Outgoing, Place } from "./sync";

export type Sending = Content & {
  id: string;
  order: number;
  /** The code with which the server refused it for good; it stays until the child decides. */
  problem?: string;
  /** The server's own sentence about that, where it said one. */
  sentence?: string;
  /** True while it is in memory alone, because the phone had no room for it. */
  loose?: boolean;
};

/** Why sending stopped before the end: no answer, the server is busy, a fault of ours on this phone, not let in. */
export type Halt = "network" | "busy" | "fault" | "unauthenticated";

export interface Outcome {
  receipts: Receipt[];
  halt: Halt | null;
  retryAfterS: number | null;
  /** How many rows of projects are new on this phone. */
  came: number;
}

const loose = new Map<string, Sending & { who: Who }>();

/** Whether words are in the memory of this window alone. */
export const hasLoose = () => loose.size > 0;

const isHelp = (sending: Sending) => sending.kind === "check_in" && sending.body.want === "help";

function fromRow({ id, order, value }: { id: string; order: number; value: unknown }): Sending {
  if (isOurs(value)) return { ...value, id, order };
  // It cannot be opened any more, or another version of the app stored it. It is shown as such, and never sent as
  // something else; the row itself stays as it is, for the version that knows it.
  const body: Answer = { id, said_at: "", mood: null, note: null, want: "nothing", mark: "a" };
  return { kind: "check_in", body, id, order, problem: "unreadable" };
}

/** What waits for this person: help first, then in the order in which it was said. */
export async function waiting(who: Who): Promise<Sending[]> {
  const kept = (await rows(who)).map(fromRow);
  const ids = new Set(kept.map(({ id }) => id));
  for (const sending of loose.values()) {
    if (sending.who === who && !ids.has(sending.id)) kept.push(sending);
  }
  return kept.sort((a, b) => Number(isHelp(b)) - Number(isHelp(a)) || a.order - b.order);
}

/** True once it is on the phone; false where there is no room: then it is in memory until it is sent. */
async function keep(who: Who, sending: Sending): Promise<boolean> {
  const { id, order, loose: _loose, ...content } = sending;
  try {
    await keepRow(who, id, content, order);
    loose.delete(id);
    return true;
  } catch {
    loose.set(id, { ...sending, who, loose: true });
    return false;
  }
}

/** Puts something into the outbox, in the place of what it takes back; what `keep` says. */
export async function append(who: Who, content: Content): Promise<boolean> {
  const id = rowOf(content).id?.(content.body, who) ?? uuid();
  const before = await waiting(who).catch(() => []);
  const order = 1 + Math.max(0, ...before.map((sending) => sending.order));
  const isKept = await keep(who, { ...content, id, order });
  // After it is kept: in between, one of the two is there. An earlier choice that goes out last would win.
  const about = aboutOf(content);
  const earlier = before.filter((sending) => about && sending.id !== id && aboutOf(sending) === about);
  await discardAll(earlier.map((sending) => sending.id));
  return isKept;
}

/** Throws something away, because the child said so. */
export async function discard(id: string): Promise<void> {
  loose.delete(id);
  await dropRow(id);
}

async function discardAll(ids: string[]): Promise<void> {
  for (const id of ids) loose.delete(id);
  await dropRows(ids);
}

/** Tries again what the server had refused. */
export async function again(who: Who, sending: Sending): Promise<void> {
  const { problem: _problem, sentence: _sentence, ...rest } = sending;
  await keep(who, rest as Sending);
}

/** What the server confirmed besides check-ins, in case that it loses it. */
export interface Sent {
  id: string;
  at: string;
  content: Content;
}

const MOST_SENT = 50;

async function keepSent(who: Who, { id, order: _order, loose: _loose, ...content }: Sending): Promise<void> {
  const sent = (await read<Sent[]>(who, "sent")) ?? [];
  const all = [...sent.filter((earlier) => earlier.id !== id), { id, at: new Date().toISOString(), content }];
  await writeIfRoom(who, "sent", all.slice(-MOST_SENT));
}

/** Writes down what the server confirmed, first; then the message may go. */
async function confirm(who: Who, sending: Sending, receipt: Receipt | undefined): Promise<void> {
  const row = rowOf<Content>(sending);
  if (receipt) await row.received?.(who, sending.body, receipt);
  if (row.isKept) await keepSent(who, sending);
  await discard(sending.id);
}

/** Some refusals pass by themselves, and one means that this phone must be paired again. */
function haltFor(why: unknown): Halt | null {
  if (why instanceof Unreachable) return "network";
  // A fault in this app is no lack of a network, and is not said to be one.
  if (!(why instanceof Refused)) return "fault";
  if (why.status === 401) return "unauthenticated";
  // Nothing that waiting mends: another thing under this id, nobody is asked any more, or it has an answer.
  if (["id_reused", "ended", "decided", "changed"].includes(why.code)) return null;
  return why.status >= 500 || [408, 409, 425, 429].includes(why.status) ? "busy" : null;
}

/** A fault at one item alone must not keep the others back; these concern all of them. */
function stopsAll(halt: Halt, why: unknown): boolean {
  if (halt === "fault") return false;
  return halt !== "busy" || (why instanceof Refused && [429, 503].includes(why.status));
}

type OfProject = Sending & ProjectChange;

const isOfProject = (sending: Sending): sending is OfProject => sending.kind === "change";

/** Notes why sending stopped; true where that concerns all of it. */
function stop(outcome: Outcome, halt: Halt, why: unknown): boolean {
  outcome.halt = halt;
  outcome.retryAfterS = why instanceof Refused ? why.retryAfterS : null;
  return stopsAll(halt, why);
}

/** True where sending may go on with the next thing. */
async function sendAlone(who: Who, sending: Sending, outcome: Outcome): Promise<boolean> {
  try {
    const phone = await phoneOf(who);
    const receipt = await rowOf<Content>(sending).send!(sending, (method, path, body) =>
      ask(method, path, body, phone),
    );
    await confirm(who, sending, receipt);
    if (receipt) outcome.receipts.push(receipt);
    return true;
  } catch (why) {
    const halt = haltFor(why);
    if (halt) return !stop(outcome, halt, why);
    await settle(who, sending, why as Refused);
    return true;
  }
}

/** Refused for good: it stays, with the reason, unless nothing is lost by dropping it. */
async function settle(who: Who, sending: Sending, { code, detail }: Refused): Promise<void> {
  const { mayDrop, isExplained } = rowOf<Content>(sending);
  if (mayDrop?.(code)) await discard(sending.id);
  else await keep(who, { ...sending, problem: code, ...(isExplained ? { sentence: detail } : {}) });
}

/** A refusal of the whole exchange says nothing about a single change: all of them stay as they are. */
async function sendProject(
  who: Who,
  place: Place,
  changes: OfProject[],
  outcome: Outcome,
  exchange: Exchange,
): Promise<boolean> {
  const ofId = new Map(changes.map((sending) => [sending.id, sending]));
  const refused = async (id: string, { code, detail }: { code: string; detail: string }) => {
    await keep(who, { ...ofId.get(id)!, problem: code, ...(detail ? { sentence: detail } : {}) });
  };
  const again = async (lost: Outgoing[]) => {
    for (const [n, change] of lost.entries()) {
      const sending: OfProject = { kind: "change", place, ...change, order: n - lost.length };
      ofId.set(change.id, sending);
      await keep(who, sending);
    }
  };
  try {
    const { came, early } = await exchange(who, place, changes, { settled: discardAll, refused, again });
    outcome.came += came;
    // What came before its thing goes out again by itself, as after a busy server.
    if (early > 0) outcome.halt ??= "busy";
    return true;
  } catch (why) {
    return !stop(outcome, haltFor(why) ?? "busy", why);
  }
}

async function sendAll(who: Who, exchange: Exchange, places: Place[]): Promise<Outcome> {
  const outcome: Outcome = { receipts: [], halt: null, retryAfterS: null, came: 0 };
  const list = (await waiting(who)).filter((sending) => !sending.problem);
  for (const sending of list.filter((each) => !isOfProject(each))) {
    if (!(await sendAlone(who, sending, outcome))) return outcome;
  }
  const changes = list.filter(isOfProject);
  const wanted = new Map([...changes.map(({ place }) => place), ...places].map((place) => [place.child, place]));
  for (const place of wanted.values()) {
    const ours = changes.filter((sending) => sending.place.child === place.child);
    if (!(await sendProject(who, place, ours, outcome, exchange))) return outcome;
  }
  return outcome;
}

/**
 * Sends what waits, and asks for what is new in these projects. Page and worker take turns where the browser
 * can lock; twice would do no harm. `exchange` is the one of sync.ts, however it comes.
 */
export async function flush(who: Who, exchange: Exchange, places: Place[] = []): Promise<Outcome> {
  if (!navigator.locks) return sendAll(who, exchange, places);
  return (await navigator.locks.request("planner-outbox", () => sendAll(who, exchange, places))) as Outcome;
}
