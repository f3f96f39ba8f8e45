/** The desk's script. Every page of the desk works without it; with it, boards stay live. */
import "htmx.org/dist/htmx.esm.js";
import "htmx.org/dist/ext/hx-sse.js";
import { begin as beginAlarms } from "./desk/alarms";
import { begin as beginLive } from "./desk/live";
import { begin as beginPasskeys } from "./desk/passkeys";
import { tell as tellWhoIsHere } from "./desk/leaving";

beginLive();
beginAlarms();
beginPasskeys();
tellWhoIsHere();
