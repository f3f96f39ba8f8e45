/** What was typed on a screen of the project and not said yet: kept, sealed, until it is said or thrown away. */
import { effect, signal, untracked } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { read, writeIfRoom } from "../store/db";
import { place } from "../store/project";
import { who } from "../store/session";
import { setEditing } from "../update";

export interface Draft {
  value: string;
  /** The change that stood there when the writing began. */
  base: string | null;
}

const drafts = signal<Record<string, Draft>>({});
let timer: ReturnType<typeof setTimeout> | undefined;

/** Whose words these are, and about which child: what is typed for one is never shown or kept for another. */
interface Owner {
  person: string;
  child: string;
}

let owner: Owner | null = null;
let loading: Promise<void> = Promise.resolve();

const name = ({ child }: Owner) => `drafts ${child}`;

async function load(next: Owner): Promise<void> {
  const kept = await read<Record<string, Draft>>(next.person, name(next));
  // What was typed since then is newer.
  if (owner === next) drafts.value = { ...kept, ...drafts.value };
}

function follow(person: string | null, child: string | null): void {
  if (owner?.person === person && owner?.child === child) return;
  // Nothing is written down for a person who is no longer in.
  if (person && person === owner?.person) void write();
  clearTimeout(timer);
  owner = person && child ? { person, child } : null;
  drafts.value = {};
  loading = owner ? load(owner) : Promise.resolve();
}

/** What was typed before is there once this is done. */
export const recall = (): Promise<void> => loading;

async function write(): Promise<void> {
  clearTimeout(timer);
  if (owner) await writeIfRoom(owner.person, name(owner), drafts.value);
}

export function begin(): void {
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") void write();
  });
  effect(() => {
    const person = who.value;
    const child = place.value?.child ?? null;
    untracked(() => follow(person, child));
  });
}

export const draftOf = (key: string): Draft | undefined => drafts.value[key];

export function keepDraft(key: string, draft: Draft): void {
  drafts.value = { ...drafts.value, [key]: draft };
  clearTimeout(timer);
  timer = setTimeout(() => void write(), 300);
}

export function dropDraft(key: string): void {
  const { [key]: _gone, ...others } = drafts.value;
  drafts.value = others;
  void write();
}

/**
 * The draft of one field: it begins with what stands, and does not move under the writer, whatever arrives.
 * What is typed now is based on what stood there when the typing began.
 */
export function useDraft(key: string, start: () => Draft) {
  const first = useRef<(Draft & { isFresh: boolean }) | null>(null);
  const kept = draftOf(key);
  first.current ??= kept ? { ...kept, isFresh: false } : { ...start(), isFresh: true };
  const began = first.current;
  const value = draftOf(key)?.value ?? began.value;
  useEffect(() => () => setEditing(first, false), []);
  return {
    value,
    base: began.base,
    /** True where the writing began on this screen, with what stands there before the eyes. */
    isFresh: began.isFresh,
    set(next: string) {
      setEditing(first, true);
      keepDraft(key, { value: next, base: began.base });
    },
    drop() {
      setEditing(first, false);
      // What was said is not what one begins with when one goes on writing in the same place.
      first.current = null;
      dropDraft(key);
    },
  };
}
