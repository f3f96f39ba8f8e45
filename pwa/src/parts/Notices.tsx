import { t, tn } from "../i18n";
import { go, isInDesk } from "../routes";
import { send, unsent } from "../store/sender";
import { asksToHandIn, handIn, isShutOut, isStaff, keepsNothing } from "../store/session";
import { isUpdateReady, tapUpdate, update } from "../update";
import { Banner } from "./Banner";
import { ReminderCheck } from "./ReminderCheck";

/** After signing in again, one is back where one was. */
const SIGN_IN = `/?next=${encodeURIComponent("/app/#with")}`;

/** Words from before a new sign-in or pairing go out with a yes only. */
export function HandIn() {
  if (!asksToHandIn.value || isShutOut.value) return null;
  return (
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
  );
}

export function KeepsNothing() {
  if (!keepsNothing.value) return null;
  return (
    <Banner icon="info">
      <p>{t("This browser forgets everything when you close it. Keep the app open until you read “Received”.")}</p>
    </Banner>
  );
}

const OF_UPDATE = {
  "": () => t("A new version is ready."),
  asked: () => t("Updating…"),
  writing: () => t("First send or delete what you wrote. Then tap “Update”."),
  later: () => t("The new version opens the next time you start the app."),
};

export function NewVersion() {
  if (!isUpdateReady.value) return null;
  const isYours = update.value === "" || update.value === "writing";
  return (
    <Banner icon="keep">
      <p>{OF_UPDATE[update.value]()}</p>
      {isYours && (
        <button type="button" class="plain" onClick={tapUpdate}>
          {t("Update")}
        </button>
      )}
    </Banner>
  );
}

/** What concerns everything that is said here, wherever one is. A page of the desk says it once, above all screens. */
export function Notices() {
  if (isInDesk) return null;
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
      <HandIn />
      {!isShutOut.value && <ReminderCheck />}
      <KeepsNothing />
      <NewVersion />
    </>
  );
}
