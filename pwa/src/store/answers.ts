/** Whether there is an answer to a question about the record that was not read on this phone yet. */
import { computed, effect, signal } from "@preact/signals";
import { read, writeIfRoom } from "./db";
import { me, who } from "./session";

/** When the latest answer came that was read here; undefined until the phone has looked. */
const seen = signal<string | null | undefined>(undefined);

effect(() => {
  const person = who.value;
  seen.value = undefined;
  if (person) void read<string>(person, "answers-seen").then((at) => (seen.value = at ?? null));
});

export const hasAnswer = computed(() => {
  const at = me.value?.answered_at;
  return !!at && seen.value !== undefined && at !== seen.value;
});

export async function sawAnswers(): Promise<void> {
  const at = me.value?.answered_at;
  if (!at || !who.value || at === seen.value) return;
  seen.value = at;
  await writeIfRoom(who.value, "answers-seen", at);
}
