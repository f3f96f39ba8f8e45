/** The desk's script. Every page of the desk works without it; with it, boards stay live. */
import "htmx.org/dist/htmx.esm.js";
import "htmx.org/dist/ext/hx-sse.js";
import { begin as beginAlarms } from "./desk/alarms";
import { begin as beginFinding } from "./desk/find";
import { begin as beginLevels } from "./desk/levels";
import { begin as beginIdle } from "./desk/idle";
import { begin as beginLive } from "./desk/live";
import { begin as beginKeeping } from "./desk/keeping";
import { begin as beginParts } from "./desk/parts";
import { begin as beginPasskeys } from "./desk/passkeys";
import { begin as beginRollCalls } from "./desk/roll";
import { tell as tellWhoIsHere } from "./desk/leaving";

beginLive();
beginParts();
beginAlarms();
beginKeeping();
beginFinding();
beginLevels();
beginIdle();
beginPasskeys();
beginRollCalls();
tellWhoIsHere();
