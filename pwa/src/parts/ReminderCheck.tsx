import { t } from "../i18n";
import { proof, putOff, tryAgain } from "../push";
import { Banner } from "./Banner";

/** Reminders were sent and this phone showed none: one tap tries to mend it, and says what came of it. */
export function ReminderCheck() {
  const state = proof.value;
  if (!state) return null;
  const words = {
    asks: t("Reminders may not reach this phone."),
    trying: t("One moment. We're sending this phone a reminder."),
    works: t("It works. Reminders reach this phone again."),
    waiting: t("No reminder has come yet. You can still check in here at any time."),
    blocked: t("This phone blocks reminders. You can allow them in the phone's settings."),
    failed: t("That didn't work. Try again when you're online."),
  }[state];
  return (
    <Banner icon="bell">
      <p>{words}</p>
      {state !== "trying" && (
        <div class="pair-of">
          {state !== "works" && (
            <button type="button" class="plain" onClick={() => void tryAgain()}>
              {t("Try again")}
            </button>
          )}
          <button type="button" class="plain" onClick={() => void putOff()}>
            {state === "asks" ? t("Not now") : t("Got it")}
          </button>
        </div>
      )}
    </Banner>
  );
}
