/** The question that only the child and their caseworker can answer: shown until it was answered here. */
import { computed, effect, signal } from "@preact/signals";
import { read, writeIfRoom } from "./db";
import { put, send } from "./sender";
import { me, who } from "./session";

/** What was answered on this phone: which question, of which asking nobody needs to know. */
const over = signal<string | null | undefined>(undefined);

effect(() => {
  const person = who.value;
  over.value = undefined;
  if (person) void read<string>(person, "question").then((id) => (over.value = id ?? null));
});

// The server no longer asks it: it may come again, another time.
effect(() => {
  if (me.value && !me.value.question && over.value && who.value) {
    over.value = null;
    void writeIfRoom(who.value, "question", null);
  }
});

export const asked = computed(() => {
  const question = me.value?.question;
  return question && over.value !== undefined && question.id !== over.value ? question : null;
});

export async function answer(question: string, words: string): Promise<void> {
  const body = { said_at: new Date().toISOString(), question, words };
  await put({ kind: "shared", body });
  // Before it goes from the screen: a phone that is turned off in this moment would ask again.
  if (who.value) await writeIfRoom(who.value, "question", question);
  over.value = question;
  void send();
}
