/**
 * The way that stays open while adults look for this child: what the server last said about it, and whether
 * it was put away. Anyone who holds the phone can send something by it; it ends no search.
 */
import { computed, effect, signal } from "@preact/signals";
import { me, who } from "./session";

/** Put away until the app is opened anew. It is kept nowhere. */
const isAway = signal(false);

effect(() => {
  if (who.value === null) isAway.value = false;
});

export const isOpen = computed(() => me.value?.door === true && !isAway.value);

export function putAway(): void {
  isAway.value = true;
}

/**
 * The numbers to call: as the agency says, empty where there is none. A phone that was told of the door by a
 * server of before shows what holds all over Europe.
 */
const EUROPE = { talk: "116 111", away: "116 000" };
export const lines = computed(() => me.value?.lines ?? EUROPE);
