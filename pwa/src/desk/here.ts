/**
 * Whether a member of staff is signed in at the desk of this browser: the app asks for no session where
 * there can be none, as on a child's phone before it is paired.
 */
import { drop } from "../store/goodbye";
import { dropPacks } from "../store/grabbed";

export const KEPT_AS = "desk-here";

/** The places of the desk stand on its pages only while a person is signed in. */
export function tell(): void {
  if (document.querySelector("header.top nav")) localStorage.setItem(KEPT_AS, "yes");
  else {
    localStorage.removeItem(KEPT_AS);
    // Who has signed out at the desk has no grab pack on this phone any more, nor has who was signed out.
    void dropPacks().catch(() => undefined);
  }
  // The front door asks nobody in who is in: no session is left here, and the next one is not to be ended.
  if (document.querySelector("form[action='/sign-in']")) void drop().catch(() => undefined);
}

export const isHere = () => localStorage.getItem(KEPT_AS) === "yes";
