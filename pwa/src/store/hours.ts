/** The hours in which reminders wait, as the server said them last, and other school hours. It needs a network. */
import { signal } from "@preact/signals";
import { ask, Refused, type Waits } from "../api";
import { refresh, who } from "./session";

interface Times {
  from: string;
  until: string;
}

/** School on a weekday; 0 is Monday. */
export interface SchoolDay extends Times {
  day: number;
}

export interface Wish {
  days: SchoolDay[];
  holidays: { first: string; last: string } | null;
}

/** A check-in that is due in school hours, and what follows without an answer. */
export interface InSchool {
  due_at: string;
  remind_at: string;
  is_silent: boolean;
  then_at: string;
  asks: string | null;
}

export interface Hours extends Wish {
  zone: string;
  quiet: Times | null;
  waits: Waits | null;
  in_school: InSchool[];
}

export const hours = signal<Hours | null>(null);
/** Nobody could be asked. */
export const isUnknown = signal(false);

export async function load(): Promise<void> {
  const person = who.value;
  const fresh = await ask<Hours>("GET", "/me/hours").catch(() => null);
  if (who.value !== person) return;
  hours.value = fresh;
  isUnknown.value = fresh === null;
}

/** What it comes to, or the server's sentence about why it cannot be; null where the server cannot be asked. */
export async function look(wish: Wish): Promise<InSchool[] | string | null> {
  return ask<Hours>("POST", "/me/hours/preview", wish).then(
    (seen) => seen.in_school,
    (why: unknown) => (why instanceof Refused && why.detail ? why.detail : null),
  );
}

/** "" once it is saved; the server's sentence where it said no; null where it cannot be asked. */
export async function save(wish: Wish): Promise<string | null> {
  try {
    hours.value = await ask<Hours>("PUT", "/me/hours", wish);
    void refresh({ force: true });
    return "";
  } catch (why) {
    return why instanceof Refused && why.detail ? why.detail : null;
  }
}
