/** "I forgot": offered after a check-in that came late, once, and never asked for again. */
import { computed, effect, signal } from "@preact/signals";
import { read, writeIfRoom } from "./db";
import { put, send } from "./sender";
import { me, who } from "./session";

/** The check-in about which this phone has nothing more to ask: said, or left; undefined until it was read. */
const over = signal<string | null | undefined>(undefined);
export const isSaid = signal(false);

effect(() => {
  const person = who.value;
  isSaid.value = false;
  over.value = undefined;
  if (person) void read<string>(person, "forgot").then((id) => (over.value = id ?? null));
});

/** The check-in that came late and of which nothing was said yet. Who is looked for has not forgotten. */
export const offered = computed(() => {
  const late = me.value?.door ? null : me.value?.answered_late;
  return late && over.value !== undefined && late.id !== over.value ? late : null;
});

async function leave(id: string): Promise<void> {
  if (who.value) await writeIfRoom(who.value, "forgot", id);
  over.value = id;
}

export async function sayForgot(id: string): Promise<void> {
  isSaid.value = true;
  await put({ kind: "forgot", body: { said_at: new Date().toISOString(), round: id } });
  await leave(id);
  void send();
}

export const sayNothing = leave;
