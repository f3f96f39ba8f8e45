import { t } from "../i18n";
import { Page } from "./Page";

interface Props {
  title: string;
  isMissing: boolean;
  /** False where it could not be had again. */
  again(): Promise<boolean>;
}

/** A newer release has no file of this page's. So with a network, the page is loaded anew. */
const tryAgain = async (again: Props["again"]) => void ((await again()) || (navigator.onLine && location.reload()));

/** In the place of a screen whose file is on its way, or could not be had. */
export function LoadingScreen({ title, isMissing, again }: Props) {
  return (
    <Page title={title} isTop>
      {isMissing && (
        <>
          <p>{t("You need internet for this page.")}</p>
          <button type="button" class="second" onClick={() => void tryAgain(again)}>
            {t("Try again")}
          </button>
        </>
      )}
    </Page>
  );
}
