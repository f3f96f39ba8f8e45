/**
 * The outbox: what the child said and the server has not confirmed yet.
 *
 * The promises: nothing is dropped unless the server confirmed it or the child threw it away; the same id
 * every time, so that sending twice changes nothing; help goes first, then in the order in which it was said;
 * "sent" is said only after the server said so. Page and worker share this file.
 */
import { ask, Refused, Unreachable, type Answer, type Day, type Me, type Receipt } from "../api";
import { dropRow, dropRows, keepRow, read, rows, writeIfRoom, type Who } from "./db";
import { phoneOf } from "./mates";
import { deliverOwn } from "./ownWire";
import { exchange, type Outgoing, type Place } from "./sync";

export interface CheckIn {
  kind: "check_in";
  body: Answer;
}

export interface LanguageChange {
  kind: "language";
  body: { language: string };
}

/** Another rhythm, proposed: the server is told under the id of the row. */
export interface RhythmProposal {
  kind: "rhythm";
  body: {
    said_at: string;
    rhythm: { at?: string[]; days?: number[]; from?: Record<string, string> };
    first?: string | null;
    last?: string | null;
    words: string | null;
  };
}

/** What one proposed and wants no more. */
export interface Recalled {
  kind: "take-back";
  body: { said_at: string; proposal: string };
}

/** One forgot a check-in, and says so: nobody has to. */
export interface Forgotten {
  kind: "forgot";
  body: { said_at: string; round: string };
}

/** An answer to the question that only the child and its caseworker know. */
export interface SharedAnswer {
  kind: "shared";
  body: { said_at: string; question: string; words: string };
}

/** Somebody who is to be asked first: the server is told under the id of the row. */
export interface Naming {
  kind: "trusted";
  body: { said_at: string; name: string; reach: string; also_help: boolean };
}

/** What the child says for when it is missing: based on a version, with all its words that it had seen before. */
export interface OwnWords {
  kind: "own";
  body: { said_at: string; child: string; base: number; fields: Record<string, string>; seen: Record<string, string>[] };
}

/** Something about a project; these go out together, in the order in which they were said. */
export interface ProjectChange extends Omit<Outgoing, "id"> {
  kind: "change";
  place: Place;
}

export type Content = CheckIn | LanguageChange | RhythmProposal | Recalled | Forgotten | SharedAnswer | Naming | OwnWords | ProjectChange;

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

/** Why sending stopped before the end: no answer, too busy, or this phone is not let in. */
export type Halt = "network" | "busy" | "unauthenticated";

export interface Outcome {
  receipts: Receipt[];
  halt: Halt | null;
  retryAfterS: number | null;
  /** How many rows of projects are new on this phone. */
  came: number;
}

const loose = new Map<string, Sending & { who: Who }>();

const isHelp = (sending: Sending) => sending.kind === "check_in" && sending.body.want === "help";

function fromRow({ id, order, value }: { id: string; order: number; value: unknown }): Sending {
  if (value) return { ...(value as Content), id, order };
  // It cannot be opened any more. It is shown as such, and never sent as something else.
  const body: Answer = { id, said_at: "", mood: null, note: null, want: "nothing", mark: "a" };
  return { kind: "check_in", body, id, order, problem: "unreadable" };
}

/** What waits for this person: help first, then in the order in which it was said. */
export async function waiting(who: Who): Promise<Sending[]> {
  const kept = (await rows(who)).map(fromRow);
  const known = new Set(kept.map((sending) => sending.id));
  for (const sending of loose.values()) {
    if (sending.who === who && !known.has(sending.id)) kept.push(sending);
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

/** Puts something into the outbox; what `keep` says. */
export async function append(who: Who, id: string, content: Content): Promise<boolean> {
  const before = await waiting(who).catch(() => []);
  const order = 1 + Math.max(0, ...before.map((sending) => sending.order));
  return keep(who, { ...content, id, order });
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

async function deliver(sending: One, of: string | null): Promise<Receipt | null> {
  const tell = <T>(method: string, path: string, body?: unknown) => ask<T>(method, path, body, of);
  if (sending.kind === "language") {
    await tell("PATCH", "/me", sending.body);
    return null;
  }
  if (sending.kind === "rhythm") {
    const { said_at: _said, ...proposed } = sending.body;
    const made = await tell<{ id: string }>("POST", "/rhythm/proposals", { id: sending.id, ...proposed });
    if (made?.id !== sending.id) throw new Unreachable("not ours");
    return null;
  }
  if (sending.kind === "take-back") {
    await tell("POST", `/rhythm/proposals/${sending.body.proposal}/take-back`);
    return null;
  }
  if (sending.kind === "forgot") {
    await tell("POST", `/me/rounds/${sending.body.round}/forgot`);
    return null;
  }
  if (sending.kind === "trusted") {
    const { said_at: _said, ...named } = sending.body;
    await tell("POST", "/trusted", { id: sending.id, ...named });
    return null;
  }
  if (sending.kind === "own") {
    await deliverOwn(sending.body, tell);
    return null;
  }
  if (sending.kind === "shared") {
    const { question, words } = sending.body;
    await tell("POST", `/me/questions/${question}`, { id: sending.id, words });
    return null;
  }
  const receipt = await tell<Receipt>("POST", "/check-ins", sending.body);
  // Only an answer about this very id is a confirmation.
  if (receipt?.id !== sending.id || !receipt.received_at) throw new Unreachable("not ours");
  return receipt;
}

/** Writes down what the server confirmed, first; then the row may go. The mark is kept nowhere, nor how one wants to be met. */
async function confirm(who: Who, sending: Sending, receipt: Receipt | null): Promise<void> {
  if (receipt && sending.kind === "check_in") {
    const { mark: _mark, how: _how, who: _who, confirmed_at: _before, ...said } = sending.body;
    const days = (await read<Day[]>(who, "days")) ?? [];
    const others = days.filter((day) => day.id !== sending.id);
    await writeIfRoom(who, "days", [{ ...said, received_at: receipt.received_at }, ...others].slice(0, 200));
    const me = await read<Me>(who, "me");
    if (me) {
      const { next_due_at, standing } = receipt;
      await writeIfRoom(who, "me", { ...me, next_due_at, standing, opens_at: null });
    }
  }
  if (isKept(sending)) await keepSent(who, sending);
  await discard(sending.id);
}

/** What else the server confirmed, in case that it loses it; answers stand among the days. */
export interface Sent {
  id: string;
  at: string;
  content: Content;
}

const MOST_SENT = 50;

const isKept = ({ kind }: Sending) => ["rhythm", "take-back", "trusted", "forgot", "own"].includes(kind);

async function keepSent(who: Who, { id, order: _order, loose: _loose, ...content }: Sending): Promise<void> {
  const sent = (await read<Sent[]>(who, "sent")) ?? [];
  const all = [...sent.filter((one) => one.id !== id), { id, at: new Date().toISOString(), content }];
  await writeIfRoom(who, "sent", all.slice(-MOST_SENT));
}

/** Some refusals pass by themselves, and one means that this phone must be paired again. */
function haltFor(why: unknown): Halt | null {
  if (!(why instanceof Refused)) return "network";
  if (why.status === 401) return "unauthenticated";
  // Nothing that waiting mends: another thing under this id, nobody is asked any more, or it has an answer.
  if (["id_reused", "ended", "decided", "changed"].includes(why.code)) return null;
  return why.status >= 500 || [408, 409, 425, 429].includes(why.status) ? "busy" : null;
}

/** A fault at one item alone must not keep the others back; these concern all of them. */
function stopsAll(halt: Halt, why: unknown): boolean {
  return halt !== "busy" || (why instanceof Refused && [429, 503].includes(why.status));
}

type One = Sending & (CheckIn | LanguageChange | RhythmProposal | Recalled | Forgotten | SharedAnswer | Naming | OwnWords);
type OfProject = Sending & ProjectChange;

const isOne = (sending: Sending): sending is One => sending.kind !== "change";
const isOfProject = (sending: Sending): sending is OfProject => sending.kind === "change";

/** Notes why sending stopped; true where that concerns all of it. */
function stop(outcome: Outcome, halt: Halt, why: unknown): boolean {
  outcome.halt = halt;
  outcome.retryAfterS = why instanceof Refused ? why.retryAfterS : null;
  return stopsAll(halt, why);
}

/** True where sending may go on with the next thing. */
async function sendOne(who: Who, sending: One, outcome: Outcome): Promise<boolean> {
  try {
    const receipt = await deliver(sending, await phoneOf(who));
    await confirm(who, sending, receipt);
    if (receipt) outcome.receipts.push(receipt);
    return true;
  } catch (why) {
    const halt = haltFor(why);
    if (halt) return !stop(outcome, halt, why);
    const { code, detail } = why as Refused;
    // It was too late to say so, or what is taken back never left this phone: nothing is lost by that.
    if (sending.kind === "forgot" || (sending.kind === "take-back" && code === "not_found")) {
      await discard(sending.id);
      return true;
    }
    // Refused for good: it stays, with the reason, and what comes after it goes on.
    const isExplained = ["rhythm", "take-back", "trusted", "own"].includes(sending.kind);
    await keep(who, { ...sending, problem: code, ...(isExplained ? { sentence: detail } : {}) });
    return true;
  }
}

/** A refusal of the whole exchange says nothing about a single change: all of them stay as they are. */
async function sendProject(who: Who, place: Place, changes: OfProject[], outcome: Outcome): Promise<boolean> {
  const ofId = new Map(changes.map((sending) => [sending.id, sending]));
  const refused = async (id: string, { code, detail }: { code: string; detail: string }) => {
    await keep(who, { ...ofId.get(id)!, problem: code, ...(detail ? { sentence: detail } : {}) });
  };
  const again = async (lost: Outgoing[]) => {
    for (const [n, one] of lost.entries()) {
      const sending: OfProject = { kind: "change", place, ...one, order: n - lost.length };
      ofId.set(one.id, sending);
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

async function sendAll(who: Who, places: Place[]): Promise<Outcome> {
  const outcome: Outcome = { receipts: [], halt: null, retryAfterS: null, came: 0 };
  const list = (await waiting(who)).filter((sending) => !sending.problem);
  for (const sending of list.filter(isOne)) {
    if (!(await sendOne(who, sending, outcome))) return outcome;
  }
  const changes = list.filter(isOfProject);
  const wanted = new Map([...changes.map(({ place }) => place), ...places].map((place) => [place.child, place]));
  for (const place of wanted.values()) {
    const ours = changes.filter((sending) => sending.place.child === place.child);
    if (!(await sendProject(who, place, ours, outcome))) return outcome;
  }
  return outcome;
}

/**
 * Sends what waits, and asks for what is new in these projects. Page and worker take turns where the browser
 * can lock; twice would do no harm.
 */
export async function flush(who: Who, places: Place[] = []): Promise<Outcome> {
  if (!navigator.locks) return sendAll(who, places);
  return (await navigator.locks.request("planner-outbox", () => sendAll(who, places))) as Outcome;
}
