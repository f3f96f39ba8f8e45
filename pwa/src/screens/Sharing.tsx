import type { ComponentChildren } from "preact";
import { t } from "../i18n";
import { Icon, type IconName } from "../parts/Icon";
import { ReadAloud } from "../parts/ReadAloud";
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
        t("When you tap a button here, your caseworker sees how you are and what you write."),
        t(
          "The supervisor, your guardian and adults who cover or are called can see it too. We may ask at home if you are there.",
        ),
        t("This app doesn't know where you are, and doesn't ask."),
        t("In “More” you can see who looked."),
      ],
    },
    {
      icon: "bell",
      title: t("When adults must act"),
      lines: [
        t("You and your caseworker agree on times to tell us you're OK."),
        t("If we hear nothing, we tell adults who look after you."),
        t("You won't be in trouble if you miss one."),
        t("If you or another child is in danger, adults must act. They'll tell you what they do."),
      ],
    },
    {
      icon: "phone",
      title: t("What this phone shows"),
      lines: [
        t("The app has a plain name. Its reminders name nobody."),
        t("But anyone who has this phone can see the app and open it."),
        t("“Hide” covers it with a plain list. To come back, press and hold the date for one second."),
        t("Does anyone look through your phone? Tell your caseworker first. There are other ways to stay in touch."),
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
      t("Your caseworker, the supervisor and your guardian can read the project. You can see who changed what."),
      t("The people who care for you at home see only their own promises, and the dates."),
      t("Your caseworker and the supervisor can read “Messages”. People at home can't."),
      t("If you have an advocate, they read the project too. Only you two read what you write to each other alone."),
      t("Only you can see what you put in the three houses, until you share it."),
    ],
  };
}

export const spoken = ({ title, lines }: Card) => [title, ...lines].join(". ");

export function Lines({ lines }: { lines: string[] }): ComponentChildren {
  return lines.map((line) => <p key={line}>{line}</p>);
}

export function Sharing() {
  return (
    <Page title={t("Who sees what")}>
      {[...cards(), projectCard()].map((card) => (
        <section key={card.title} class="card">
          <h2>
            <Icon name={card.icon} />
            {card.title}
          </h2>
          <Lines lines={card.lines} />
          <ReadAloud text={spoken(card)} />
        </section>
      ))}
    </Page>
  );
}
