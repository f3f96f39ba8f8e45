/**
 * The session that was left without a network: the server still takes its cookie, which no script can throw
 * away. It is ended there as soon as the server can be asked, by the page or by its worker.
 */
import { ask, Refused } from "../api";
import { forget, PHONE, read, writeIfRoom } from "./db";

const KEPT_AS = "goodbye";

/** On a phone that has no room for it, it is said while the app is open, or never. */
let isOwed = false;

/** Written down before anything is asked, so that a phone that dies in the middle says it later. */
export async function promise(): Promise<void> {
  isOwed = true;
  await writeIfRoom(PHONE, KEPT_AS, true);
}

/** Somebody comes in anew, with a session of their own: it is not theirs to be ended. */
export async function drop(): Promise<void> {
  isOwed = false;
  await forget(PHONE, KEPT_AS);
}

async function end(): Promise<boolean> {
  if (!isOwed && !(await read<boolean>(PHONE, KEPT_AS))) return true;
  try {
    await ask("DELETE", "/sessions");
  } catch (why) {
    if (!(why instanceof Refused) || why.status >= 500) return false;
  }
  await drop();
  return true;
}

let saying: Promise<boolean> | null = null;

/**
 * True once no session is left that should have ended. Whoever asks while it is being said waits for the same
 * answer: it takes the cookie away, and coming after a new one it would take that.
 */
export const say = (): Promise<boolean> => (saying ??= end().finally(() => (saying = null)));
