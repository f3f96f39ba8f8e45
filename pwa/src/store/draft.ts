/** What the child has chosen and typed but not sent: kept, sealed, so that nothing typed is lost. */
import { computed, effect, signal } from "@preact/signals";
import { hasUnsavedInput } from "../update";
import { forget, read, writeIfRoom } from "./db";
import { who } from "./session";

export const mood = signal<number | null>(null);
export const note = signal("");
export const isWriting = signal(false);

/** The server takes more; a few words are meant, and a phone's screen is small. */
export const NOTE_LIMIT = 2_000;

const draft = computed(() => ({ mood: mood.value, note: note.value }));
let timer: ReturnType<typeof setTimeout> | undefined;

export async function recall(): Promise<void> {
  if (!who.value) return;
  const kept = await read<{ mood: number | null; note: string }>(who.value, "draft");
  if (!kept?.note || note.value) return;
  mood.value = kept.mood;
  note.value = kept.note;
  isWriting.value = true;
}

export function clear(): void {
  mood.value = null;
  note.value = "";
  isWriting.value = false;
}

function keep(): void {
  if (!who.value) return;
  if (draft.value.note.trim()) void writeIfRoom(who.value, "draft", draft.value);
  else void forget(who.value, "draft").catch(() => undefined);
}

export function begin(): void {
  let isFirst = true;
  effect(() => {
    hasUnsavedInput.value = draft.value.note.trim() !== "";
    if (isFirst) return void (isFirst = false);
    clearTimeout(timer);
    timer = setTimeout(keep, 300);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") keep();
  });
}
