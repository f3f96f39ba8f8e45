import { t } from "../i18n";
import { Page } from "./Page";

interface Props {
  title: string;
  isMissing: boolean;
  again(): Promise<void>;
}

/** In the place of a screen whose file is on its way, or could not be had. */
export function LoadingScreen({ title, isMissing, again }: Props) {
  return (
    <Page title={title} isTop>
      {isMissing && (
        <>
          <p>{t("You need internet for this page.")}</p>
          <button type="button" class="second" onClick={() => void again()}>
            {t("Try again")}
          </button>
        </>
      )}
    </Page>
  );
}
