/** "I forgot", on Today after a check-in that came late. */
import { moment, t } from "../i18n";
import { go } from "../routes";
import { isSaid, offered, sayForgot, sayNothing } from "../store/forgot";
import { now } from "../store/now";
import { Icon } from "./Icon";

/** Offered, never asked for: a child who says nothing hears nothing further of it. */
export function Forgot() {
  const late = offered.value;
  if (!late) return <p role="status">{isSaid.value && t("Thank you for telling us.")}</p>;
  return (
    <section class="card forgot">
      <p>
        {t("Your answer for {when} came late. Did you forget? You can tell us, if you like.", {
          when: moment(late.due_at, now.value),
        })}
      </p>
      <div class="pair-of">
        <button type="button" class="plain" onClick={() => void sayForgot(late.id)}>
          {t("I forgot")}
        </button>
        <button type="button" class="plain" onClick={() => void sayNothing(late.id)}>
          {t("Skip")}
        </button>
      </div>
      <button type="button" class="quiet words" onClick={() => go("happened")}>
        <Icon name="story" />
        {t("What happened")}
      </button>
    </section>
  );
}
