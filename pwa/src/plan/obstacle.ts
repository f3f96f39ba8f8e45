import { t } from "../i18n";
import { fits, frame, unsentText } from "../store/project";

/** Why the text cannot be answered just now, in a sentence; or null. */
export function obstacle(): string | null {
  if (!frame.value) return t("You need internet the first time.");
  if (unsentText.value) return t("We're sending your latest changes first. Then you can answer what is written here.");
  if (!fits.value) return t("There is a newer version. You can answer when it's here.");
  return null;
}
