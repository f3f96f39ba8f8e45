/**
 * Whether a member of staff is signed in at the desk of this browser: the app asks for no session where
 * there can be none, as on a child's phone before it is paired.
 */
export const KEPT_AS = "desk-here";

export const isHere = () => localStorage.getItem(KEPT_AS) === "yes";
