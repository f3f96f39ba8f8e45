/** Handing in what the child says for when they are missing: page and worker share this file. */
import { Refused } from "../api";

export type Words = Record<string, string>;

/** What the server has of it. */
export interface OwnPack {
  version: number;
  fields: Words;
}

interface Pending {
  child: string;
  base: number;
  fields: Words;
  seen: Words[];
}

export const isSame = (a: Words, b: Words) =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].every((name) => (a[name] ?? "") === (b[name] ?? ""));

/** A request in the name of the person whose words these are. */
export type Tell = <T>(method: string, path: string, body?: unknown) => Promise<T>;

/**
 * Where something else stands by now, it may be what the child said before, whose answer was lost: they have
 * seen that, and go on from there. Throws the refusal where another person wrote it down.
 */
export async function deliverOwn({ child, base, fields, seen }: Pending, tell: Tell): Promise<void> {
  const path = `/children/${child}/pack`;
  // What is left out would stay: what the child saw there and took out is sent as empty.
  const all = Object.fromEntries([...seen.flatMap(Object.keys).map((name) => [name, ""]), ...Object.entries(fields)]);
  try {
    await tell("PUT", path, { base, fields: all });
  } catch (why) {
    if (!(why instanceof Refused) || why.code !== "changed") throw why;
    const stands = await tell<OwnPack>("GET", path);
    if (!seen.some((words) => isSame(words, stands.fields))) throw why;
    await tell("PUT", path, { base: stands.version, fields: all });
  }
}
