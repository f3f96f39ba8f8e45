import type { ComponentChildren } from "preact";
import { useArrival, useKeptFocus } from "../a11y";
import { t } from "../i18n";
import { back, home, isInDesk, place } from "../routes";
import { Icon } from "./Icon";

interface Props {
  title: string;
  /** Pages that the bottom bar leads to have no way back of their own. */
  isTop?: boolean;
  children: ComponentChildren;
}

/** A browser shows the line that is written in; the rest of a tall field may lie under the bar. */
const whole = (event: FocusEvent) => (event.target as Element).scrollIntoView({ block: "nearest" });

/** One screen: its heading takes the focus when one arrives. A page of the desk has its own `main` around it. */
export function Page({ title, isTop = false, children }: Props) {
  const heading = useArrival<HTMLHeadingElement>();
  const screen = useKeptFocus<HTMLElement>();
  const Shell = isInDesk ? "section" : "main";
  // Without the bar at the bottom, every screen but the first leads back by itself.
  const leadsBack = isInDesk ? place.value !== home.value : !isTop;
  return (
    <Shell id="main" class="page" ref={screen} aria-labelledby={isInDesk ? "title" : undefined} onFocusIn={whole}>
      {leadsBack && (
        <button type="button" class="quiet back" onClick={back}>
          <Icon name="back" />
          {t("Back")}
        </button>
      )}
      <h1 id="title" tabIndex={-1} ref={heading}>
        {title}
      </h1>
      {children}
    </Shell>
  );
}
