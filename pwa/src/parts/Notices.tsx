import { t, tn } from "../i18n";
import { go } from "../routes";
import { send, unsent } from "../store/sender";
import { asksToHandIn, handIn, isShutOut, isStaff, keepsNothing } from "../store/session";
import { isUpdateReady, takeOver } from "../update";
import { Banner } from "./Banner";
import { ReminderCheck } from "./ReminderCheck";

/** After signing in again, one is back where one was. */
const SIGN_IN = `/?next=${encodeURIComponent("/app/#with")}`;

/** What concerns everything that is said here, wherever one is. */
export function Notices() {
  return (
    <>
      {isShutOut.value && (
        <Banner icon="phone" isUrgent>
          <p>{t("This phone isn't connected any more. Anything you send waits here.")}</p>
          {isStaff.value ? (
            <a class="plain" href={SIGN_IN}>
              {t("Sign in again")}
            </a>
          ) : (
            <button type="button" class="plain" onClick={() => go("pair")}>
              {t("Reconnect")}
            </button>
          )}
        </Banner>
      )}
      {asksToHandIn.value && !isShutOut.value && (
        <Banner icon="outbox">
          <p>
            {tn(
              "{n} thing from before isn't sent yet. Send it now?",
              "{n} things from before aren't sent yet. Send them now?",
              unsent.value.length,
            )}
          </p>
          <div class="pair-of">
            <button type="button" class="plain" onClick={() => void handIn().then(send)}>
              {t("Send")}
            </button>
            <button type="button" class="plain" onClick={() => go("unsent")}>
              {t("Check first")}
            </button>
          </div>
        </Banner>
      )}
      {!isShutOut.value && <ReminderCheck />}
      {keepsNothing.value && (
        <Banner icon="info">
          <p>{t("This browser forgets everything when you close it. Keep the app open until you read “Received”.")}</p>
        </Banner>
      )}
      {isUpdateReady.value && (
        <Banner icon="keep">
          <p>{t("A new version is ready.")}</p>
          <button type="button" class="plain" onClick={takeOver}>
            {t("Update")}
          </button>
        </Banner>
      )}
    </>
  );
}
