/**
 * Whether a member of staff is signed in at the desk of this browser: the app asks for no session where
 * there can be none, as on a child's phone before it is paired.
 */
import { forget, PHONE, read, wipe } from "../store/db";
import { drop } from "../store/goodbye";
import { dropPacks } from "../store/grabbed";

export const KEPT_AS = "desk-here";

const LEFT_AS = "desk-left";
const windows = "BroadcastChannel" in globalThis ? new BroadcastChannel("desk") : null;

/** Told in each other window once the person has signed out at the desk. */
export function onLeaving(teller: () => void): void {
  windows?.addEventListener("message", teller);
}

/**
 * Of a member of staff who signed out, nothing but unsent words stays here: locked, until they sign in again. What a
 * child's phone has is not theirs to wipe.
 */
async function wipeStaff(): Promise<void> {
  const session = await read<{ who: string }>(PHONE, "session");
  const me = session && (await read<{ person: { role: string } }>(session.who, "me"));
  if (me && me.person.role !== "child") {
    await wipe(session.who, { unsentToo: false });
    await forget(PHONE, "session");
  }
  localStorage.removeItem(LEFT_AS);
}

/** A session that merely ran out wipes nothing: what was being written is there after signing in again. */
function watchLeaving(): void {
  addEventListener("submit", ({ target }) => {
    if ((target as Element).getAttribute("action") === "/sign-out") localStorage.setItem(LEFT_AS, "yes");
  });
  if (document.querySelector("header.top nav") || localStorage.getItem(LEFT_AS) === null) return;
  windows?.postMessage("left");
  void wipeStaff().catch(() => undefined);
}

/** The places of the desk stand on its pages only while a person is signed in. */
export function tell(): void {
  watchLeaving();
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
