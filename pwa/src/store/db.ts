/**
 * What this phone keeps: one database, everything in it sealed, each row under the person it belongs to.
 *
 * Where the browser keeps nothing (some private windows, a broken profile) the same calls work on memory
 * alone, and `isVolatile()` says so, so that the app can tell the child in a sentence.
 */
import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import { newKey, seal, unseal, type Sealed } from "./seal";

/** The person the rows belong to; PHONE for what belongs to the phone itself. */
export type Who = string;
export const PHONE: Who = "phone";

interface Row {
  id: string;
  who: Who;
  order: number;
  sealed: Sealed;
}

interface Shape extends DBSchema {
  keys: { key: Who; value: CryptoKey };
  boxes: { key: [Who, string]; value: { who: Who; name: string; sealed: Sealed }; indexes: { who: Who } };
  outbox: { key: string; value: Row; indexes: { who: Who } };
}

type Db = IDBPDatabase<Shape>;

let opened: Promise<Db | null> | undefined;
const memory = { boxes: new Map<string, string>(), outbox: new Map<string, [Who, number, string]>() };

async function open(): Promise<Db | null> {
  try {
    if (!crypto.subtle) return null; // Never keep plain words: without WebCrypto, keep nothing.
    const db = await openDB<Shape>("planner", 1, {
      upgrade(db) {
        db.createObjectStore("keys");
        db.createObjectStore("boxes", { keyPath: ["who", "name"] }).createIndex("who", "who");
        db.createObjectStore("outbox", { keyPath: "id" }).createIndex("who", "who");
      },
      blocking: (_now, _next, event) => (event.target as IDBDatabase).close(),
      terminated: () => (opened = undefined),
    });
    await keyOf(db, PHONE);
    return db;
  } catch {
    return null;
  }
}

/** Some browsers never answer while a profile is broken: an app that opens is worth more than its store. */
const PATIENCE_MS = 4_000;

function database(): Promise<Db | null> {
  const tooLate = new Promise<null>((done) => setTimeout(() => done(null), PATIENCE_MS));
  return (opened ??= Promise.race([open(), tooLate]));
}

export async function isVolatile(): Promise<boolean> {
  return (await database()) === null;
}

/** Two tabs may both find no key: the first to write wins, and both use that one. */
async function keyOf(db: Db, who: Who): Promise<CryptoKey> {
  const kept = await db.get("keys", who);
  if (kept) return kept;
  const made = await newKey();
  const tx = db.transaction("keys", "readwrite");
  const first = await tx.store.get(who);
  if (!first) await tx.store.put(made, who);
  await tx.done;
  return first ?? made;
}

/** A value of this person, or undefined where there is none or it cannot be opened any more. */
export async function read<T>(who: Who, name: string): Promise<T | undefined> {
  const db = await database();
  if (!db) {
    const text = memory.boxes.get(`${who} ${name}`);
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }
  const box = await db.get("boxes", [who, name]);
  if (!box) return undefined;
  try {
    return (await unseal(await keyOf(db, who), box.sealed)) as T;
  } catch {
    return undefined;
  }
}

const lines = new Map<string, Promise<void>>();

/** One after the other for each box, in the order of the calls: sealing takes now longer and now shorter. */
function inLine(who: Who, name: string, work: () => Promise<void>): Promise<void> {
  const box = `${who} ${name}`;
  const mine = (lines.get(box) ?? Promise.resolve()).then(work);
  const done = mine.catch(() => undefined);
  lines.set(box, done);
  void done.then(() => lines.get(box) === done && lines.delete(box));
  return mine;
}

/** Keeps a value; throws where the phone has no room for it. The last call counts. */
export function write(who: Who, name: string, value: unknown): Promise<void> {
  return inLine(who, name, () => put(who, name, value));
}

async function put(who: Who, name: string, value: unknown): Promise<void> {
  const db = await database();
  if (!db) {
    memory.boxes.set(`${who} ${name}`, JSON.stringify(value));
    return;
  }
  await db.put("boxes", { who, name, sealed: await seal(await keyOf(db, who), value) });
}

/** The same for what may be lost without harm (a copy of what the server has). */
export async function writeIfRoom(who: Who, name: string, value: unknown): Promise<void> {
  await write(who, name, value).catch(() => undefined);
}

/** After all that was to be kept under this name before. */
export function forget(who: Who, name: string): Promise<void> {
  return inLine(who, name, async () => {
    const db = await database();
    if (db) await db.delete("boxes", [who, name]);
    else memory.boxes.delete(`${who} ${name}`);
  });
}

/** Forgets what is kept under names that begin so, of everybody but this one. */
export async function forgetAll(beginning: string, but?: Who): Promise<void> {
  const isMeant = (who: Who, name: string) => who !== but && name.startsWith(beginning);
  const db = await database();
  if (!db) {
    for (const key of memory.boxes.keys()) {
      const end = key.indexOf(" ");
      if (isMeant(key.slice(0, end), key.slice(end + 1))) memory.boxes.delete(key);
    }
    return;
  }
  const tx = db.transaction("boxes", "readwrite");
  for (const key of await tx.store.getAllKeys()) {
    if (isMeant(...key)) await tx.store.delete(key);
  }
  await tx.done;
}

export interface Kept {
  id: string;
  order: number;
  value: unknown;
}

/** Puts a row into the outbox; an id that is there already is replaced in its place in the queue. */
export async function keepRow(who: Who, id: string, value: unknown, order: number): Promise<void> {
  const db = await database();
  if (!db) {
    memory.outbox.set(id, [who, order, JSON.stringify(value)]);
    return;
  }
  const sealed = await seal(await keyOf(db, who), value);
  await db.put("outbox", { id, who, order, sealed });
}

export async function dropRow(id: string): Promise<void> {
  const db = await database();
  if (db) await db.delete("outbox", id);
  else memory.outbox.delete(id);
}

/** The same for many, at once: a transaction for each would take seconds on an old phone. */
export async function dropRows(ids: string[]): Promise<void> {
  const db = await database();
  if (!db) {
    for (const id of ids) memory.outbox.delete(id);
    return;
  }
  const tx = db.transaction("outbox", "readwrite");
  for (const id of ids) void tx.store.delete(id);
  await tx.done;
}

/** The rows of one person in the order in which they were put in; `value` is null where one cannot be opened. */
export async function rows(who: Who): Promise<Kept[]> {
  const db = await database();
  const kept: Kept[] = [];
  if (db) {
    const key = await keyOf(db, who);
    for (const row of await db.getAllFromIndex("outbox", "who", who)) {
      const value = await unseal(key, row.sealed).catch(() => null);
      kept.push({ id: row.id, order: row.order, value });
    }
  } else {
    for (const [id, [owner, order, text]] of memory.outbox) {
      if (owner === who) kept.push({ id, order, value: JSON.parse(text) });
    }
  }
  return kept.sort((a, b) => a.order - b.order || (a.id < b.id ? -1 : 1));
}

/** How many rows wait for other people who used this phone; what is in them stays closed. */
export async function rowsOfOthers(who: Who): Promise<number> {
  const db = await database();
  if (!db) return [...memory.outbox.values()].filter(([owner]) => owner !== who).length;
  return (await db.count("outbox")) - (await db.countFromIndex("outbox", "who", who));
}

/** Forgets a person. Unsent rows, and the key that opens them, stay unless `unsentToo`. */
export async function wipe(who: Who, { unsentToo }: { unsentToo: boolean }): Promise<void> {
  const db = await database();
  if (!db) {
    for (const name of memory.boxes.keys()) if (name.startsWith(`${who} `)) memory.boxes.delete(name);
    if (unsentToo) for (const row of await rows(who)) memory.outbox.delete(row.id);
    return;
  }
  const tx = db.transaction(["boxes", "outbox", "keys"], "readwrite");
  for (const key of await tx.objectStore("boxes").index("who").getAllKeys(who)) {
    await tx.objectStore("boxes").delete(key);
  }
  const unsent = await tx.objectStore("outbox").index("who").getAllKeys(who);
  if (unsentToo) for (const key of unsent) await tx.objectStore("outbox").delete(key);
  if (unsentToo || unsent.length === 0) await tx.objectStore("keys").delete(who);
  await tx.done;
}
