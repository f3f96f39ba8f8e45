import type { ComponentChildren } from "preact";
import { t } from "../i18n";
import { Icon, type IconName } from "../parts/Icon";
import { Listen } from "../parts/Listen";
import { Page } from "../parts/Page";

export interface Card {
  icon: IconName;
  title: string;
  lines: string[];
}

/** What is said before the first word, and can be read again at any time. */
export function cards(): Card[] {
  return [
    {
      icon: "eye",
      title: t("Who sees what you say"),
      lines: [
        t("When you tap a button here, your caseworker gets it: how you are, and the words you write."),
        t("Whoever stands in for your caseworker can see it too. Where you live they may be asked if you are there."),
        t("This app does not know where you are, and does not ask."),
        t("Under “More” you can see who looked."),
      ],
    },
    {
      icon: "bell",
      title: t("When adults must act"),
      lines: [
        t("You and your caseworker agree when you say that you are OK."),
        t("If nothing comes, adults who look after you are told. So nobody is forgotten."),
        t("You are not in trouble if you miss one."),
        t("If you, or another child, are in danger, adults must act. They tell you what they do."),
      ],
    },
    {
      icon: "phone",
      title: t("What this phone shows"),
      lines: [
        t("The app has a plain name. Its reminders name nobody."),
        t("But whoever holds this phone can see that the app is here, and open it."),
        t("“Hide” covers it with a plain list. To come back, press and hold the date for one second."),
        t("Does somebody look through your phone? Tell your caseworker first. There are other ways to stay in touch."),
      ],
    },
  ];
}

/** About the project: read under "More", not before the first word, when there is none yet. */
function projectCard(): Card {
  return {
    icon: "path",
    title: t("Who reads your project"),
    lines: [
      t("Your caseworker, the supervisor and your guardian read the project. You see who changed what."),
      t("Who cares for you at home sees only what they promised themselves, and the dates."),
      t("Messages under “Talk” are read by your caseworker and the supervisor, not at home."),
      t("What you put into the three houses, only you see, until you show it."),
    ],
  };
}

export const spoken = ({ title, lines }: Card) => [title, ...lines].join(". ");

export function Lines({ lines }: { lines: string[] }): ComponentChildren {
  return lines.map((line) => <p key={line}>{line}</p>);
}

export function Sharing() {
  return (
    <Page title={t("What is shared with whom")}>
      {[...cards(), projectCard()].map((card) => (
        <section key={card.title} class="card">
          <h2>
            <Icon name={card.icon} />
            {card.title}
          </h2>
          <Lines lines={card.lines} />
          <Listen text={spoken(card)} />
        </section>
      ))}
    </Page>
  );
}
