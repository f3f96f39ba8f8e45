/** The days of the calendar that one knows of, as the server said them last. */
import { signal } from "@preact/signals";
import { ask } from "../api";
import { read, writeIfRoom } from "./db";
import { who } from "./session";

export interface Milestone {
  id: string;
  what: "hearing" | "refusal" | "transfer" | "return" | "turning_18";
  day: string;
  /** From when until when a person is told sooner because of it; null: it changes nothing. */
  from_at: string | null;
  until_at: string | null;
}

export const milestones = signal<Milestone[]>([]);

/** First what the phone has, then what the server has. */
export async function loadMilestones(): Promise<void> {
  const person = who.value;
  if (!person) return;
  milestones.value = (await read<Milestone[]>(person, "ahead")) ?? [];
  const fresh = await ask<{ milestones: Milestone[] }>("GET", "/milestones").catch(() => null);
  if (!fresh || who.value !== person) return;
  milestones.value = fresh.milestones;
  await writeIfRoom(person, "ahead", fresh.milestones);
}
