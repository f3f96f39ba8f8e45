/** A new person joins the others on a shared phone. */
import { ask } from "../api";
import { language } from "../i18n";
import { read, write, type Who } from "./db";
import type { Digits } from "./digits";
import * as goodbye from "./goodbye";
import { keepStanding, type Picture } from "./mates";
import { waiting } from "./outbox";
import { change, roster } from "./roster";

const PICTURES: Picture[] = ["star", "leaf", "boat", "fish", "house", "moon", "kite", "tree"];

/** The pictures that nobody else has. */
export const freePictures = (me: Who) =>
  PICTURES.filter((free) => !roster.value.some(({ who, picture }) => picture === free && who !== me));

/** A person is one of them from now on, or has chosen anew. Without digits they come in by a tap. */
export async function join(who: Who, picture?: Picture, digits: Digits | null = null): Promise<void> {
  const chosen = picture ?? roster.value.find((mate) => mate.who === who)?.picture ?? freePictures(who)[0] ?? "star";
  const mate = { who, picture: chosen, digits };
  await change((mates) =>
    mates.some((each) => each.who === who) ? mates.map((each) => (each.who === who ? mate : each)) : [...mates, mate],
  );
}

/** Who came in, and as which phone. */
export interface Came {
  person: Who;
  device: string;
}

/** They are one of those who share it; an earlier phone of theirs here was this one. */
export async function comeIn({ person, device }: Came): Promise<void> {
  const before = await read<string>(person, "device");
  // First of all, so that nothing of theirs is ever sent without it.
  await write(person, "device", device);
  await write(person, "language", language.value);
  await keepStanding({ who: person, shutOut: false, asks: (await waiting(person)).length > 0 });
  await goodbye.drop(device);
  await join(person);
  if (before && before !== device)
    await ask("DELETE", `/me/devices/${before}`, undefined, device).catch(() => undefined);
  await ask("PATCH", "/me", { language: language.value }, device).catch(() => undefined);
}
