/**
 * The kinds of message that the phone sends: one row each says how it goes out and what follows.
 *
 * Their names and bodies lie sealed on phones: they never change, and a row never leaves the table. Page and
 * worker share this file.
 */
import { Unreachable, type Answer, type Day, type Heard, type Me, type Receipt } from "../api";
import { uuid } from "../bytes";
import { read, writeIfRoom, type Who } from "./db";
import { deliverOwn, type Tell } from "./ownPackDelivery";
import type { Outgoing, Place } from "./sync";

export interface CheckIn {
  kind: "check_in";
  body: Answer;
}

export interface LanguageChange {
  kind: "language";
  body: { language: string };
}

/** Other check-in times, proposed: the server is told under the id of the message. */
export interface RhythmProposal {
  kind: "rhythm";
  body: {
    said_at: string;
    rhythm: {
      at?: string[];
      days?: number[];
      from?: Record<string, string>;
      rrule?: string | Record<string, string>;
    };
    first?: string | null;
    last?: string | null;
    words: string | null;
  };
}

/** A proposal that the child no longer wants. */
export interface Recalled {
  kind: "take-back";
  body: { said_at: string; proposal: string };
}

/** The child asks to be away: the server is told under the id of the message. It changes no check-in by itself. */
export interface AwayRequest {
  kind: "away";
  body: { said_at: string; from_at: string; until_at: string; place: string; words: string | null };
}

/** What was asked for is no longer wanted, or the child is back before the end. */
export interface Back {
  kind: "back";
  body: { said_at: string; absence: string };
}

/** The child forgot a check-in and says so, without being asked. */
export interface Forgotten {
  kind: "forgot";
  body: { said_at: string; round: string };
}

/** The child wants to be reminded of a check-in later. It answers nothing. */
export interface Snoozed {
  kind: "snooze";
  body: { said_at: string; round: string; minutes: number };
}

/** An answer to the question that only the child and their caseworker know. */
export interface SharedAnswer {
  kind: "shared";
  body: { said_at: string; question: string; words: string };
}

/** A person who is to be asked first: the server is told under the id of the message. */
export interface Naming {
  kind: "trusted";
  body: { said_at: string; name: string; reach: string; also_help: boolean };
}

/** A question about an entry of what is recorded: the server is told under the id of the message. */
export interface Asking {
  kind: "ask";
  body: {
    said_at: string;
    about: { kind: "look" | "why" | "check_in" | "change"; id: string; at: string; shown: string };
    words: string;
    to: "caseworker" | "supervisor";
  };
}

/** The child wants an advocate, or does not need one any more. */
export interface AdvocateWish {
  kind: "advocate-wish";
  /** `confirmed_at`: it is handed in again, as of this moment. */
  body: { said_at: string; is_wanted: boolean; confirmed_at?: string };
}

/** Whether an advocate may know that adults were called. */
export interface AdvocateShare {
  kind: "advocate-share";
  body: { said_at: string; advocate: string; tells_alerts: boolean };
}

/** The child does not want this advocate any more. */
export interface AdvocateEnd {
  kind: "advocate-end";
  body: { said_at: string; advocate: string };
}

/** What the child says for when they are missing: based on a version, with all their words that they had seen before. */
export interface OwnWords {
  kind: "own";
  body: {
    said_at: string;
    child: string;
    base: number;
    fields: Record<string, string>;
    seen: Record<string, string>[];
  };
}

/** Something about a project; these go out together, in the order in which they were said. */
export interface ProjectChange extends Omit<Outgoing, "id"> {
  kind: "change";
  place: Place;
}

export type Content =
  | CheckIn
  | LanguageChange
  | RhythmProposal
  | Recalled
  | AwayRequest
  | Back
  | Forgotten
  | Snoozed
  | SharedAnswer
  | Naming
  | Asking
  | AdvocateWish
  | AdvocateShare
  | AdvocateEnd
  | OwnWords
  | ProjectChange;
export type Kind = Content["kind"];

interface Row<C extends Content> {
  /** The id under which it waits, where it is not a new one: what waits under it already is replaced. */
  id?(body: C["body"], who: Who): string;
  /** Throws unless the server confirmed it. Null: it goes out with all that waits for its project (sync.ts). */
  send: ((message: C & { id: string }, tell: Tell) => Promise<Receipt | undefined>) | null;
  /** Of all that is about this, only the last counts: what waits about it is thrown away for what is put in later. */
  about?(body: C["body"]): string;
  /** What the phone writes down before the message may go. */
  received?(who: Who, body: C["body"], receipt: Receipt): Promise<void>;
  /** True where it is handed in again if the server lost it (afterBackup.ts); check-ins are among the days. */
  isKept?: boolean;
  /** True where a refusal is shown in the server's own sentence. */
  isExplained?: boolean;
  /** True where nothing is lost by dropping what was refused with this code. */
  mayDrop?(code: string): boolean;
}

const KINDS: { [K in Kind]: Row<Extract<Content, { kind: K }>> } = {
  check_in: {
    id: ({ id }) => id,
    send: async ({ id, body }, tell) => {
      // Our own clock beside it: so the server tells an old answer from a wrong clock.
      const receipt = await tell<Receipt>("POST", "/check-ins", { ...body, sent_at: new Date().toISOString() });
      if (!receipt?.received_at) throw new Unreachable("not ours");
      return isAbout(id, receipt);
    },
    received: keepAnswer,
  },
  language: {
    id: (_body, who) => `language-${who}`,
    send: async ({ body }, tell) => void (await tell("PATCH", "/me", body)),
  },
  rhythm: {
    send: async ({ id, body: { said_at: _at, ...wish } }, tell) =>
      void isAbout(id, await tell("POST", "/rhythm/proposals", { id, ...wish })),
    isKept: true,
    isExplained: true,
  },
  "take-back": {
    id: ({ proposal }) => `take-back-${proposal}`,
    send: async ({ body }, tell) => void (await tell("DELETE", `/rhythm/proposals/${body.proposal}`)),
    isKept: true,
    isExplained: true,
    // What is taken back never left this phone.
    mayDrop: (code) => code === "not_found",
  },
  away: {
    send: async ({ id, body }, tell) => void isAbout(id, await tell("POST", "/absences", { id, ...body })),
    isKept: true,
    isExplained: true,
  },
  back: {
    id: ({ absence }) => `back-${absence}`,
    send: async ({ body }, tell) => void (await tell("DELETE", `/absences/${body.absence}`)),
    isKept: true,
    isExplained: true,
    mayDrop: (code) => code === "not_found",
  },
  forgot: {
    id: ({ round }) => `forgot-${round}`,
    send: async ({ body }, tell) => void (await tell("POST", `/me/rounds/${body.round}/forgot`)),
    isKept: true,
    // It was too late to say so.
    mayDrop: () => true,
  },
  snooze: {
    id: ({ round }) => `snooze-${round}`,
    // Of the time that was asked for, what has not passed since; after that it is worth nothing, and is dropped.
    send: async ({ body: { said_at: at, round, minutes } }, tell) => {
      const left = minutes - Math.floor(Math.abs(Date.now() - Date.parse(at)) / 60_000);
      if (left > 0) await tell("POST", "/snoozes", { id: uuid(), round, minutes: left });
    },
    mayDrop: () => true,
  },
  shared: {
    send: async ({ id, body: { question, words } }, tell) =>
      void (await tell("POST", `/me/questions/${question}`, { id, words })),
  },
  trusted: {
    send: async ({ id, body: { said_at: _at, ...naming } }, tell) =>
      void (await tell("POST", "/trusted", { id, ...naming })),
    isKept: true,
    isExplained: true,
  },
  ask: {
    send: async ({ id, body: { said_at: _at, ...question } }, tell) =>
      void isAbout(id, await tell("POST", "/record-questions", { id, ...question })),
    isKept: true,
    isExplained: true,
  },
  // Each has an id of its own: of two choices the later must not go with the earlier once that is confirmed.
  "advocate-wish": {
    about: () => "advocate-wish",
    send: async ({ body: { is_wanted, confirmed_at: at } }, tell) => {
      if (is_wanted && at && (await isMet(at, tell))) return;
      await tell(is_wanted ? "POST" : "DELETE", "/advocate-wish");
    },
    isKept: true,
  },
  "advocate-share": {
    about: ({ advocate }) => `advocate-share-${advocate}`,
    send: async ({ body: { advocate, tells_alerts } }, tell) =>
      void (await tell("PATCH", `/advocates/${advocate}`, { tells_alerts })),
    isKept: true,
    // They are not there any more.
    mayDrop: (code) => code === "not_found",
  },
  "advocate-end": {
    id: ({ advocate }) => `advocate-end-${advocate}`,
    send: async ({ body }, tell) => void (await tell("DELETE", `/advocates/${body.advocate}`)),
    isKept: true,
    mayDrop: (code) => code === "not_found",
  },
  own: {
    send: async ({ body }, tell) => void (await deliverOwn(body, tell)),
    isKept: true,
    isExplained: true,
  },
  change: { id: ({ id }) => id, send: null },
};

/** Whether an advocate has come since this moment: a wish that is handed in again would be a second one. */
async function isMet(at: string, tell: Tell): Promise<boolean> {
  const { advocates } = await tell<{ advocates: { from_at: string }[] }>("GET", "/advocates");
  return advocates.some(({ from_at }) => Date.parse(from_at) >= Date.parse(at));
}

/** The row of a message. */
export const rowOf = <C extends Content>({ kind }: C) => KINDS[kind] as unknown as Row<C>;

/** What a message is about, where only the last of these counts. */
export const aboutOf = (content: Content): string | undefined => rowOf<Content>(content).about?.(content.body);

/** False for what another version of the app stored and this one does not know. */
export const isOurs = (value: unknown): value is Content =>
  Object.keys(KINDS).includes((value as Content | null)?.kind ?? "");

/** Only an answer about this very id is a confirmation. */
function isAbout<T extends { id: string }>(id: string, answer: T | undefined): T {
  if (answer?.id !== id) throw new Unreachable("not ours");
  return answer;
}

/** An answer as Today shows it. `next_due_at`: what was next after it; both are the server's, null until it has it. */
export interface Said {
  id: string;
  said_at: string;
  mood: number | null;
  received_at: string | null;
  next_due_at: string | null;
  /** It came too late to tell how the child is now. */
  is_old?: boolean;
}

/** What this phone said last, and its last call for help: one box, so that the store looks alike after both. */
export interface Last {
  said: Said;
  call: { id: string; received_at: string; kept_at: number; heard: Heard | null } | null;
}

/** Whether it was said after the other one; a moment to come is of a clock that was set back since. */
export const isLater = ({ said_at: at }: { said_at: string }, than: { said_at: string } | undefined) =>
  !than || Date.parse(than.said_at) <= Date.parse(at) || Date.parse(than.said_at) > Date.now();

/** Page and worker take turns, where the browser can lock. */
export async function changeLast(who: Who, how: (last: Last | undefined) => Last | undefined): Promise<void> {
  const work = async () => {
    const last = how(await read<Last>(who, "last"));
    if (last) await writeIfRoom(who, "last", last);
  };
  return navigator.locks ? (navigator.locks.request("planner-last", work) as Promise<void>) : work();
}

/** What is handed in again was said long before. */
async function keepLast(who: Who, { id, said_at, mood, want, confirmed_at: before }: Answer, receipt: Receipt) {
  const { received_at, next_due_at, is_old = false } = receipt;
  const said = { id, said_at, mood, received_at, next_due_at, is_old };
  if (before) return;
  await changeLast(who, (last) => ({
    said: isLater(said, last?.said) ? said : { ...last!.said, next_due_at },
    call: want === "help" ? { id, received_at, kept_at: Date.now(), heard: null } : (last?.call ?? null),
  }));
}

/** A check-in opens so long before its time, or half the way from the one before; where it is longer, it was agreed so. */
export const USUAL_MS = 7_200_000;

/** When the next one opens, as far as the phone can tell before it asks. */
function opensAt({ next_due_at: before, opens_at }: Me, next: string | null): string | null {
  if (before === next || !before || !next) return opens_at ?? null;
  const due = Date.parse(next);
  return new Date(due - Math.min(USUAL_MS, Math.max(0, due - Date.parse(before)) / 2)).toISOString();
}

/** The mark is kept nowhere, nor how the child wants to be met. */
async function keepAnswer(who: Who, body: Answer, receipt: Receipt): Promise<void> {
  const { mark: _mark, how: _how, who: _who, confirmed_at: _before, ...day } = body;
  const days = (await read<Day[]>(who, "days")) ?? [];
  const others = days.filter(({ id }) => id !== receipt.id);
  await writeIfRoom(who, "days", [{ ...day, received_at: receipt.received_at }, ...others].slice(0, 200));
  await keepLast(who, body, receipt);
  const me = await read<Me>(who, "me");
  if (!me) return;
  const { next_due_at, standing } = receipt;
  await writeIfRoom(who, "me", { ...me, next_due_at, standing, opens_at: opensAt(me, next_due_at) });
}
