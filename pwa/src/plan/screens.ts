/** The entry of the project's file in the app. The desk draws the same screens, and styles them in a root of their own. */
import "./plan.css";
export { begin, Screen } from "./places";
