import { t, tn } from "../i18n";
import { go } from "../routes";
import { send, unsent } from "../store/sender";
import { asksToHandIn, handIn, isShutOut, isStaff, keepsNothing } from "../store/session";
import { isUpdateReady, takeOver } from "../update";
import { Banner } from "./Banner";
import { Reach } from "./Reach";

/** After signing in again, one is back where one was. */
const SIGN_IN = `/?next=${encodeURIComponent("/app/#with")}`;

/** What concerns everything that is said here, wherever one is. */
export function Notices() {
  return (
    <>
      {isShutOut.value && (
        <Banner icon="phone" isUrgent>
          <p>{t("This phone is not connected any more. What you say is kept here.")}</p>
          {isStaff.value ? (
            <a class="plain" href={SIGN_IN}>
              {t("Sign in again")}
            </a>
          ) : (
            <button type="button" class="plain" onClick={() => go("pair")}>
              {t("Connect it again")}
            </button>
          )}
        </Banner>
      )}
      {asksToHandIn.value && !isShutOut.value && (
        <Banner icon="outbox">
          <p>
            {tn(
              "{n} thing from before is not sent yet. Send it now?",
              "{n} things from before are not sent yet. Send them now?",
              unsent.value.length,
            )}
          </p>
          <div class="pair-of">
            <button type="button" class="plain" onClick={() => void handIn().then(send)}>
              {t("Send")}
            </button>
            <button type="button" class="plain" onClick={() => go("unsent")}>
              {t("Look first")}
            </button>
          </div>
        </Banner>
      )}
      {!isShutOut.value && <Reach />}
      {keepsNothing.value && (
        <Banner icon="info">
          <p>
            {t("This browser keeps nothing once it is closed. Keep the app open until you read “Received”.")}
          </p>
        </Banner>
      )}
      {isUpdateReady.value && (
        <Banner icon="keep">
          <p>{t("A new version is ready.")}</p>
          <button type="button" class="plain" onClick={takeOver}>
            {t("Use it")}
          </button>
        </Banner>
      )}
    </>
  );
}
