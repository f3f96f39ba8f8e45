/** Those who share this phone, as page and worker know them: who they are, and whose words may go out. */
import { PHONE, read, writeIfRoom, type Who } from "./db";
import type { Digits } from "./digits";

export type Picture = "star" | "leaf" | "boat" | "fish" | "house" | "moon" | "kite" | "tree";

/** One of those who share it. A picture stands for them: a name would be read by all the others. */
export interface Mate {
  who: Who;
  picture: Picture;
  /** Null until they have chosen some: a tap on the picture is enough then. */
  digits: Digits | null;
}

export const mates = async () => (await read<Mate[]>(PHONE, "roster")) ?? [];

/** An id that no phone has: better nobody's words than another person's. */
const NOBODYS = "none";

/**
 * The id of this phone as this person's; null for a person who came in otherwise, by a session that stands alone
 * in this browser. Who went, while a window of theirs was left open, has no session here: it is another person's.
 */
export async function phoneOf(who: Who): Promise<string | null> {
  const device = await read<string>(who, "device");
  if (device) return device;
  const [session, others] = await Promise.all([now(), mates()]);
  return others.length > 0 || (session && session.who !== who) ? NOBODYS : null;
}

/** What keeps a person's words from being sent: the server no longer knows them, or they have not said yes yet. */
export interface Standing {
  shutOut: boolean;
  asks: boolean;
}

/** Whose turn it is, or was last. Its id, made anew by each coming in, was not kept by phones of before. */
export interface Session extends Standing {
  id?: string;
  who: Who;
}

export const keepStanding = ({ who, shutOut, asks }: Session) => writeIfRoom(who, "standing", { shutOut, asks });

const now = () => read<Session>(PHONE, "session");

/** Everybody who uses this phone; first whose turn it is. */
export async function everybody(): Promise<Who[]> {
  const [session, others] = await Promise.all([now(), mates()]);
  return [...new Set([...(session ? [session.who] : []), ...others.map(({ who }) => who)])];
}

/** Of these everybody whose words may go out, no matter whose turn it is. */
export async function senders(): Promise<Who[]> {
  const session = await now();
  const people: Who[] = [];
  for (const who of await everybody()) {
    const standing = who === session?.who ? session : await read<Standing>(who, "standing");
    if (!standing?.shutOut && !standing?.asks) people.push(who);
  }
  return people;
}
