/** How the child would like to be met after this call for help, and by which helper. */
import { signal } from "@preact/signals";
import type { How } from "../api";

export const chosen = signal<How | null>(null);
export const person = signal<string | null>(null);

/** A new call begins without wishes. */
export function forgetWishes(): void {
  chosen.value = person.value = null;
}
