/** The project to take along: on paper, or as a file. What lies outside this app, this app does not hide. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { language, t } from "../i18n";
import { Icon, type IconName } from "../parts/Icon";
import { Page } from "../parts/Page";
import { Pictogram } from "../plan/Pictogram";
import { Lead, Note } from "../plan/parts";
import { addressOf } from "../store/roster";
import { isChild, place, unsentText } from "../store/project";

const isOnline = signal(true);

function listen(): () => void {
  const look = () => (isOnline.value = navigator.onLine);
  look();
  addEventListener("online", look);
  addEventListener("offline", look);
  return () => {
    removeEventListener("online", look);
    removeEventListener("offline", look);
  };
}

function File({ href, icon, word, state }: { href: string; icon: IconName; word: string; state: string }) {
  const inside = (
    <>
      <Icon name={icon} />
      <span class="row-text">
        <span>{word}</span>
        <span class="soft">{state}</span>
      </span>
    </>
  );
  return (
    <li>
      {isOnline.value ? (
        <a class="row" href={href} target="_blank" rel="noopener">
          {inside}
          <Icon name="keep" />
        </a>
      ) : (
        <span class="row">{inside}</span>
      )}
    </li>
  );
}

export function GetCopy() {
  useEffect(listen, []);
  const root = `${place.value?.path ?? ""}/project`;
  return (
    <Page title={t("Get a copy")}>
      <p>
        {isChild.value
          ? t("This path is yours. You can have it on paper, or as a file.")
          : t("You can get this path on paper, or as a file.")}
      </p>
      {!isOnline.value && <p class="strong">{t("You need internet for this. You're offline now.")}</p>}
      {unsentText.value && <p class="soft">{t("It doesn't include what hasn't been sent yet.")}</p>}
      <ul class="rows">
        <Lead
          to="wall"
          icon={<Pictogram name="flag" />}
          word={t("A page for the wall")}
          state={t("Choose what's on it, then print")}
        />
        <File
          href={addressOf(`${root}.pdf?language=${language.value}`)}
          icon="days"
          word={t("On paper (PDF)")}
          state={t("To print or show to other people")}
        />
        <File
          href={addressOf(`${root}/whole`)}
          icon="keep"
          word={t("Everything, as a data file")}
          state={t("Every word, for use in another program")}
        />
      </ul>
      <Note icon="eye">
        {t(
          "A file is saved on the phone, outside this app. Anyone who has the phone can open it. Hiding the app doesn't hide the file.",
        )}
      </Note>
    </Page>
  );
}
