/** Where grab packs lie on this phone, and how all of them go at once: the desk needs nothing else of them. */
import { forgetAll } from "./db";

/** The shelf; each copy stands behind it under the child's id. */
export const SHELF = "packs";
export const copyName = (child: string) => `${SHELF} ${child}`;

/** Every copy of anybody who used this browser, but this one's. */
export const dropPacks = (but?: string): Promise<void> => forgetAll(SHELF, but);

/** Who can be on duty at all, by the role in the agency. */
export const mayCarry = (me: { person: { role: string } } | null) =>
  me?.person.role === "caseworker" || me?.person.role === "supervisor";
