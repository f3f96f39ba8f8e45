/** The screens that one opens now and then, in a file of their own, so that Today opens without them. */
export { CoverSettings } from "./CoverSettings";
export { Hands, Mine, Who } from "./Hands";
export { Leave } from "./Leave";
export { Looks } from "./Looks";
export { Phones } from "./Phones";
export { Reminders } from "./Reminders";
export { Unsent } from "./Unsent";
