/**
 * The screens that one opens now and then, in a file of their own, so that the first one opens without them. They are
 * there before a person has come in: who has a network for that has one for them.
 */
export { More } from "./More";
export { Days } from "./Days";
export { CoverSettings } from "./CoverSettings";
export { SharedPhone, ChooseCode, WhoAreYou } from "./SharedPhone";
export { SignOut } from "./SignOut";
export { WhoLooked } from "./WhoLooked";
export { Phones } from "./Phones";
export { Reminders } from "./Reminders";
export { Forgot } from "../parts/Forgot";
export { HelpWishes } from "../parts/HelpWishes";
export { Later } from "../parts/Later";
export { News } from "../parts/News";
export { SharedQuestion } from "../parts/SharedQuestion";
export { Unsent } from "./Unsent";
