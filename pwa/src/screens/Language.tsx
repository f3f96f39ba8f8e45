import { signal } from "@preact/signals";
import { language, languages, NAMES, t } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { chooseLanguage } from "../store/sender";

const missing = signal(false);

async function choose(code: string): Promise<void> {
  missing.value = !(await chooseLanguage(code));
}

/** Each language under its own name, in its own letters: one finds it without reading the others. */
export function Languages({ isSmall = false }: { isSmall?: boolean }) {
  return (
    <>
      <ul class={isSmall ? "languages small" : "languages"}>
        {languages().map((code) => (
          <li key={code}>
            <button
              type="button"
              class="plain"
              lang={code}
              aria-pressed={language.value === code}
              onClick={() => void choose(code)}
            >
              {language.value === code && <Icon name="check" />}
              <bdi>{NAMES[code]}</bdi>
            </button>
          </li>
        ))}
      </ul>
      <p role="status" class={missing.value ? "" : "hidden-text"}>
        {missing.value && t("This language isn't on this phone yet. You need internet to get it.")}
      </p>
    </>
  );
}

export function Language() {
  return (
    <Page title={t("Language")}>
      <Languages />
    </Page>
  );
}
