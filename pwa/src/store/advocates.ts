/** The child's advocates: what the server knows, and what the child decides about them. */
import { signal } from "@preact/signals";
import { ask } from "../api";
import { read, writeIfRoom } from "./db";
import { who } from "./session";

export interface Advocate {
  id: string;
  person_id: string;
  name: string;
  from_at: string;
  until_at: string | null;
  has_joined: boolean;
  tells_alerts: boolean;
}

export interface Advocates {
  advocates: Advocate[];
  /** Since when the child has been waiting for one. */
  asked_at: string | null;
}

export const advocates = signal<Advocates | null>(null);

async function keep(fresh: Advocates): Promise<void> {
  advocates.value = fresh;
  if (who.value) await writeIfRoom(who.value, "advocates", fresh);
}

export async function load(): Promise<void> {
  const person = who.value;
  if (!person) return;
  advocates.value = (await read<Advocates>(person, "advocates")) ?? null;
  const fresh = await ask<Advocates>("GET", "/advocates").catch(() => null);
  if (fresh && who.value === person) await keep(fresh);
}

/** False where the network is away; what is decided here counts only once the server has it. */
async function tell(method: "POST" | "PATCH" | "DELETE", path: string, body?: object): Promise<boolean> {
  try {
    await ask(method, path, body);
  } catch {
    return false;
  }
  await load();
  return true;
}

export const wish = () => tell("POST", "/advocate-wish");
export const takeWishBack = () => tell("DELETE", "/advocate-wish");
export const end = (id: string) => tell("DELETE", `/advocates/${id}`);
export const share = (id: string, tells_alerts: boolean) => tell("PATCH", `/advocates/${id}`, { tells_alerts });
