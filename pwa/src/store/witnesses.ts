/**
 * Who says whether the child came: asked of the server each time and never stored. Where a child goes on which day
 * is nothing that a phone in the wrong hands should keep.
 */
import { signal } from "@preact/signals";
import { ask } from "../api";
import { who } from "./session";

export interface Witness {
  id: string;
  name: string;
  /** Monday is 0. */
  days: number[];
  at: string;
  known_as: string;
}

/** None while the server has not told it. */
export const witnesses = signal<Witness[] | null>(null);

export async function load(): Promise<void> {
  const person = who.value;
  witnesses.value = null;
  const fresh = person && (await ask<{ witnesses: Witness[] }>("GET", "/witnesses").catch(() => null));
  if (fresh && who.value === person) witnesses.value = fresh.witnesses;
}
