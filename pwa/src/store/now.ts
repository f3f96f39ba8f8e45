/** The minute it is, for what is shown ("today", "tomorrow"). Decisions about time are the server's. */
import { signal } from "@preact/signals";

export const now = signal(new Date());

export function begin(): void {
  setInterval(() => (now.value = new Date()), 60_000);
  document.addEventListener("visibilitychange", () => (now.value = new Date()));
}
