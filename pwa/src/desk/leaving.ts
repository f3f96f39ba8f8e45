/** What the pages of the desk know of who is in, and what is left in this browser once they have signed out. */
import { forget, PHONE, read, wipe } from "../store/db";
import { drop } from "../store/goodbye";
import { dropPacks } from "../store/grabbed";
import { KEPT_AS } from "./here";

const LEFT_AS = "desk-left";

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
function watchLeaving(isIn: boolean): void {
  addEventListener("submit", ({ target }) => {
    if ((target as Element).getAttribute("action") === "/sign-out") localStorage.setItem(LEFT_AS, "yes");
  });
  // A sign-out that never reached the server was none.
  if (isIn) localStorage.removeItem(LEFT_AS);
  if (localStorage.getItem(LEFT_AS) === null) return;
  // The project in another window listens: it shows the front door as well.
  if ("BroadcastChannel" in globalThis) new BroadcastChannel("desk").postMessage("left");
  void wipeStaff().catch(() => undefined);
}

/** The places of the desk stand on its pages only while a person is signed in. */
export function tell(): void {
  const isIn = document.querySelector("header.top nav") !== null;
  watchLeaving(isIn);
  if (isIn) localStorage.setItem(KEPT_AS, "yes");
  else {
    localStorage.removeItem(KEPT_AS);
    // Who has signed out at the desk has no grab pack on this phone any more, nor has who was signed out.
    void dropPacks().catch(() => undefined);
  }
  // The front door asks nobody in who is in: no session is left here, and the next one is not to be ended.
  if (document.querySelector("form[action='/sign-in']")) void drop().catch(() => undefined);
}
