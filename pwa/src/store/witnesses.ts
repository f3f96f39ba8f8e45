/**
 * Who says whether the child came: asked of the server each time and never stored. Where a child goes on which day
 * is nothing that a phone in the wrong hands should keep.
 */
import { signal } from "@preact/signals";
import { ask } from "../api";
import { who } from "./session";

export interface Agreed {
  /** Monday is 0. */
  days: number[];
  at: string;
  /** The last day; null: there is no end. */
  until: string | null;
}

export interface Witness extends Agreed {
  id: string;
  kind: "school" | "club" | "mentor" | "lawyer" | "other";
  name: string;
  known_as: string;
  /** What was agreed before, for some weeks after it changed. */
  before: Agreed | null;
  changed_at: string | null;
}

/** None while the server has not told it. */
export const witnesses = signal<Witness[] | null>(null);

export async function load(): Promise<void> {
  const person = who.value;
  witnesses.value = null;
  const fresh = person && (await ask<{ witnesses: Witness[] }>("GET", "/witnesses").catch(() => null));
  if (fresh && who.value === person) witnesses.value = fresh.witnesses;
}
