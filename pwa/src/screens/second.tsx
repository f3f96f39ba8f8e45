/**
 * The screens that one opens now and then, in a file of their own, so that the first one opens without them. They are
 * there before somebody has come in: who has a network for that has one for them.
 */
export { CoverSettings } from "./CoverSettings";
export { Hands, Mine, Who } from "./Hands";
export { Leave } from "./Leave";
export { Looks } from "./Looks";
export { Phones } from "./Phones";
export { Reminders } from "./Reminders";
export { Unsent } from "./Unsent";
