import { t, tn, language, NAMES } from "../i18n";
import { Icon } from "../parts/Icon";
import { Page } from "../parts/Page";
import { Row } from "../parts/Row";
import { reminders } from "../push";
import { hasAnswer } from "../store/answers";
import { awayLine } from "../store/awayLine";
import { mayCarry } from "../store/grabbed";
import { install, keepOnHomeScreen } from "../store/install";
import { queue } from "../store/sender";
import { isShared, roster } from "../store/roster";
import { isStaff, me, who } from "../store/session";

function reminderState(): string {
  if (reminders.value === "on") return t("On");
  return reminders.value === "unknown" ? "" : t("Off");
}

export function More() {
  const waiting = queue.value.length;
  return (
    <Page title={t("More")} isTop>
      <ul class="rows">
        {!isStaff.value && <Row to="days" icon="days" word={t("My days")} />}
        {!isStaff.value && <Row to="rhythm" icon="clock" word={t("My check-in times")} />}
        {!isStaff.value && <Row to="away" icon="leave" word={awayLine.value} />}
        {!isStaff.value && <Row to="reminders" icon="bell" word={t("Reminders")} state={reminderState()} />}
        {mayCarry(me.value) && <Row to="packs" icon="keep" word={t("Grab packs on my phone")} />}
        <Row to="cover" icon="hide" word={t("Hide this app")} />
        <Row to="language" icon="globe" word={t("Language")} state={NAMES[language.value] ?? ""} />
        <Row
          to="unsent"
          icon="outbox"
          word={t("Not sent yet")}
          state={waiting ? tn("{n} thing to send", "{n} things to send", waiting) : t("Nothing waiting")}
        />
        {!isStaff.value && <Row to="looks" icon="eye" word={t("Who looked")} />}
        {!isStaff.value && <Row to="happened" icon="story" word={t("What happened")} />}
        {!isStaff.value && (
          <Row to="asked" icon="question" word={t("My questions")} state={hasAnswer.value ? t("New answer") : ""} />
        )}
        {!isStaff.value && <Row to="sharing" icon="info" word={t("Who sees what")} />}
        {!isStaff.value && <Row to="phones" icon="phones" word={t("My phones")} />}
        {!isStaff.value && <Row to="around" icon="hands" word={t("People around me")} />}
        {!isStaff.value && <Row to="advocate" icon="talk" word={t("My advocate")} />}
        {!isStaff.value && (
          <Row
            to="hands"
            icon="hands"
            word={t("Share this phone")}
            state={
              isShared.value ? tn("{n} person uses this phone.", "{n} people use this phone.", roster.value.length) : ""
            }
          />
        )}
        {!isStaff.value && <Row to="if-missing" icon="path" word={t("If I go missing")} />}
        {install.value && (
          <li>
            <button type="button" class="row" onClick={() => void keepOnHomeScreen()}>
              <Icon name="keep" />
              <span class="row-text">{t("Add to home screen")}</span>
            </button>
          </li>
        )}
        {who.value && <Row to="leave" icon="leave" word={t("Sign out")} />}
      </ul>
    </Page>
  );
}
