/**
 * The session that was left without a network: the server still takes its cookie, which no script can throw
 * away. It is ended there as soon as the server can be asked, by the page or by its worker.
 */
import { ask, Refused } from "../api";
import { forget, PHONE, read, writeIfRoom } from "./db";

const KEPT_AS = "goodbye";

/** Whose session: of which phone, or the one that names none. */
type Of = string | null;

/** On a phone that has no room for it, it is said while the app is open, or never. */
let loose: Of[] = [];

/** A phone of an earlier version has kept only that there is one. */
const kept = async () => {
  const stored = await read<Of[] | true>(PHONE, KEPT_AS);
  return stored === true ? [null] : (stored ?? []);
};

const owed = async () => [...new Set([...loose, ...(await kept())])];

async function owe(next: Of[]): Promise<void> {
  loose = next;
  if (next.length > 0) await writeIfRoom(PHONE, KEPT_AS, next);
  else await forget(PHONE, KEPT_AS);
}

/** Written down before anything is asked, so that a phone that dies in the middle says it later. */
export async function promise(of: Of): Promise<void> {
  await owe([...(await owed()), of]);
}

/** A person comes in anew, with a session of their own: it is not theirs to be ended. */
export async function drop(of: Of = null): Promise<void> {
  const before = await owed();
  if (before.length > 0) await owe(before.filter((phone) => phone !== null && phone !== of));
}

async function end(): Promise<boolean> {
  for (const of of await owed()) {
    try {
      await ask("DELETE", "/sessions", undefined, of);
    } catch (why) {
      if (!(why instanceof Refused) || why.status >= 500) return false;
    }
    await owe((await owed()).filter((phone) => phone !== of));
  }
  return true;
}

let saying: Promise<boolean> | null = null;

/**
 * True once no session is left that should have ended. A call while it is being said waits for the same
 * answer: it takes the cookie away, and coming after a new one it would take that.
 */
export const say = (): Promise<boolean> => (saying ??= end().finally(() => (saying = null)));
