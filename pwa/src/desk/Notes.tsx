/** What concerns the whole project on the desk: whether one is still in, whether words get through, who may change it. */
import { t } from "../i18n";
import { Banner } from "../parts/Banner";
import { HandIn, KeepsNothing } from "../parts/Notices";
import { mayChange } from "../plan/parts";
import { place as here } from "../routes";
import { myself, waits } from "../store/project";
import { halt } from "../store/sender";
import { isShutOut } from "../store/session";

/** After signing in again, one is back where one was. */
const signIn = () => `/?next=${encodeURIComponent(location.pathname + location.hash)}`;

function Rights() {
  if (mayChange() || here.value !== "project") return null;
  return (
    <Banner icon="eye">
      <p>
        {myself.value.role === "carer"
          ? t("You see what you promised and the next dates.")
          : myself.value.role === "advocate"
            ? t("You can read this project, write messages and ask for a meeting.")
            : t("You can read this project. The child, a guardian and the caseworker change it.")}
      </p>
    </Banner>
  );
}

function Away() {
  if (isShutOut.value || halt.value !== "network") return null;
  return (
    <Banner icon="warn" isUrgent>
      <p>
        {waits.value
          ? t("No connection. What you wrote is saved on this device. We send it when you're online.")
          : t("No connection. You may not see the latest changes. You can write: we save it on this device.")}
      </p>
    </Banner>
  );
}

export function Notes() {
  return (
    <div class="notes">
      {isShutOut.value && (
        <Banner icon="warn" isUrgent>
          <p>{t("You're signed out. What you wrote stays locked on this device until you sign in again.")}</p>
          <a class="plain" href={signIn()}>
            {t("Sign in again")}
          </a>
        </Banner>
      )}
      <HandIn />
      <KeepsNothing />
      <Away />
      <Rights />
    </div>
  );
}
