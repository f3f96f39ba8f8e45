/** The project cannot be shown, and what to do. */
import { direction, language, t } from "../i18n";
import { isShared } from "../store/roster";

export function Failed() {
  return (
    <div class="desk" lang={language.value} dir={direction.value}>
      <section class="page" role="alert">
        {isShared.value ? (
          <p>{t("Children check in with this browser. Open the project in another browser.")}</p>
        ) : (
          <>
            <p>{t("We couldn't load the project. Check your connection.")}</p>
            <button type="button" class="second" onClick={() => location.reload()}>
              {t("Try again")}
            </button>
          </>
        )}
      </section>
    </div>
  );
}
