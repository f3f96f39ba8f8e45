/** What Today says about being away, in a few words without a name or a place. The project's file makes it (away.ts). */
import { signal } from "@preact/signals";

export const awayLine = signal("");
