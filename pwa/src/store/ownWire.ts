/** Handing in what the child says for when it is missing: page and worker share this file. */
import { Refused } from "../api";

export type Words = Record<string, string>;

/** What the server has of it. */
export interface OwnPack {
  version: number;
  fields: Words;
}

interface Said {
  child: string;
  base: number;
  fields: Words;
  seen: Words[];
}

export const isSame = (one: Words, other: Words) =>
  [...new Set([...Object.keys(one), ...Object.keys(other)])].every((name) => (one[name] ?? "") === (other[name] ?? ""));

/** One asking, in the name of whoever said it. */
type Tell = <T>(method: string, path: string, body?: unknown) => Promise<T>;

/**
 * Where something else stands by now, it may be what the child itself said before, whose answer was lost: it has
 * seen that, and goes on from there. Throws the refusal where somebody else wrote it down.
 */
export async function deliverOwn({ child, base, fields, seen }: Said, tell: Tell): Promise<void> {
  const path = `/children/${child}/pack`;
  try {
    await tell("PUT", path, { base, fields });
  } catch (why) {
    if (!(why instanceof Refused) || why.code !== "changed") throw why;
    const stands = await tell<OwnPack>("GET", path);
    if (!seen.some((one) => isSame(one, stands.fields))) throw why;
    await tell("PUT", path, { base: stands.version, fields });
  }
}
