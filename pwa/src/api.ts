/** The server's answers, as this app reads them, and the one way to ask for them. */

export type Standing = "well" | "due" | "late";
export type Want = "nothing" | "talk" | "help" | "safe";
export type Mark = "a" | "b";
/** How a person who called for help wants to be met. */
export type How = "call" | "quiet" | "come";

/** The server was put back from a backup: what it confirmed from `from_at` on may be lost there. */
export interface Epoch {
  id: string;
  from_at: string;
}

export interface Me {
  person: { id: string; name: string; language: string; role: string };
  child?: { id: string; name: string } | null;
  next_due_at: string | null;
  opens_at?: string | null;
  standing: Standing;
  /** The last check-in of a day that came late, where nothing was said about why. */
  answered_late?: { id: string; due_at: string } | null;
  language?: string;
  display_name?: string;
  vapid_public_key?: string | null;
  help_phone?: string | null;
  /** Where a text message calls for help, and the word for it, agreed in person. */
  help_text?: { number: string; word: string };
  /** Who could be wished for in a call for help. */
  helpers?: { id: string; name: string }[];
  /** What the child and their caseworker share, where this phone is to ask it now. */
  question?: { id: string; text: string };
  /** True while adults look for this child: the phone then shows the numbers to call. */
  door?: boolean;
  lines?: { talk: string; away: string };
  server_time?: string;
  /** Another one than before: what was confirmed since then is handed in again. */
  epoch?: Epoch | null;
  /** When the latest answer to a question about the record came; absent where there is none. */
  answered_at?: string;
  /** How well pushes reach this phone, as far as the server knows. */
  reminders?: "healthy" | "unproven" | "stale" | "broken" | "none" | null;
  /** Until when reminders wait. */
  waits?: Waits;
  /** The check-in that is open: until when an answer is in time, and when one is reminded again, if one asked for it. */
  open_round?: { id: string; answer_by: string; until: string | null };
  /** The code of the text on the lock screen; without one it is the text that ships. */
  lock_text?: string;
}

export interface Waits {
  until: string;
  why: "quiet_hours" | "school_hours";
}

export interface Answer {
  id: string;
  said_at: string;
  mood: number | null;
  note: string | null;
  want: Want;
  mark: Mark;
  how?: How;
  /** The helper they would like best. */
  who?: string;
  /** Handed in again: when the server had confirmed it before. */
  confirmed_at?: string;
}

export interface Receipt {
  id: string;
  received_at: string;
  next_due_at: string | null;
  standing: Standing;
  /** A check-in has opened since it was said: it does not tell how the child is now. */
  is_old?: boolean;
}

/** What became of the last call for help of this phone; the server says no more than its rows do. */
export interface Heard {
  stage: "calling" | "taken" | "unreached" | "over";
  /** First names. */
  who: string[];
  since: string | null;
  sent_at: string | null;
}

export interface Day {
  id: string;
  said_at: string;
  received_at: string | null;
  mood: number | null;
  note: string | null;
  want: Want;
  is_late?: boolean;
  read?: Read[];
}

export interface Device {
  id: string;
  label: string | null;
  paired_at: string;
  last_seen_at: string | null;
  current: boolean;
}

/** A worker of the child has read something, and when first. */
export interface Read {
  name: string;
  at: string;
}

export interface Look {
  id: string;
  at: string;
  who: { id: string; name: string; role: string } | null;
  what: string;
  why: string | null;
}

/** The server answered, and said no: `code` is the stable one of the problem document. */
export class Refused extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly retryAfterS: number | null;

  // Written out, so that Node can run this file as it is.
  constructor(status: number, code: string, detail: string, retryAfterS: number | null) {
    super(`${status} ${code}`);
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.retryAfterS = retryAfterS;
  }
}

/** Nobody answered, or something in between answered in the server's place. */
export class Unreachable extends Error {}

/** A request that hangs is as good as none: after this long it counts as unreachable. */
const PATIENCE_MS = 20_000;

/** Browsers carry 64 kB on after a page is closed, and refuse at once to begin with more. Letters are 3 bytes at most. */
const MOST_AFTER_CLOSING = 20_000;

function isJson(answer: Response): boolean {
  return /^application\/([\w.-]+\+)?json\b/.test(answer.headers.get("content-type") ?? "");
}

async function refusal(answer: Response): Promise<Error> {
  const problem = isJson(answer) ? ((await answer.json().catch(() => ({}))) as { code?: string; detail?: string }) : {};
  // A login page of a café's network is no answer of ours, whatever its status; nor is what has no code of ours.
  if (!problem.code) return new Unreachable(`${answer.status}`);
  const after = Number(answer.headers.get("retry-after"));
  return new Refused(
    answer.status,
    problem.code,
    problem.detail ?? "",
    Number.isFinite(after) && after > 0 ? after : null,
  );
}

/** Whose this page is, by the id of the phone that was paired: several children may share this browser. */
let phone: string | null = null;

export function speakFor(paired: string | null): void {
  phone = paired;
}

export const spokenFor = () => phone;

type Teller = (cameBack: boolean) => void;

let isAway = false;
const tellers: Teller[] = [];

/** Told of each answer, and whether the server could not be reached before: browsers do not always say so themselves. */
export function onAnswer(teller: Teller): void {
  tellers.push(teller);
}

function isThere(now: boolean): void {
  if (now) for (const tell of tellers) tell(isAway);
  isAway = !now;
}

/**
 * Asks the server. Throws Refused where it said no, Unreachable where it could not be asked.
 * The cookie is the session; no token is ever in a script's hands. The server takes a request only for the
 * person that it names.
 */
export async function ask<T>(method: string, path: string, body?: unknown, of: string | null = phone): Promise<T> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), PATIENCE_MS);
  try {
    const headers: Record<string, string> = { accept: "application/json" };
    const text = body === undefined ? undefined : JSON.stringify(body);
    if (text !== undefined) headers["content-type"] = "application/json";
    if (of) headers["x-phone"] = of;
    const answer = await fetch(`/api/v1${path}`, {
      method,
      headers,
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      keepalive: method !== "GET" && (text?.length ?? 0) < MOST_AFTER_CLOSING,
      signal: stop.signal,
      ...(text === undefined ? {} : { body: text }),
    });
    if (!answer.ok) throw await refusal(answer);
    if (answer.status !== 204 && !isJson(answer)) throw new Unreachable("not ours");
    const content = answer.status === 204 ? undefined : await answer.json();
    isThere(true);
    return content as T;
  } catch (why) {
    if (why instanceof Refused) throw why;
    isThere(false);
    throw why instanceof Unreachable ? why : new Unreachable(String(why));
  } finally {
    clearTimeout(timer);
  }
}
