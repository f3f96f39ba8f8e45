import { Frame } from "./parts/Frame";
import { Later } from "./parts/Later";
import { about, place, type Place, type ProjectPlace } from "./routes";
import { Cover } from "./screens/Cover";
import { CoverSettings } from "./screens/CoverSettings";
import { Days } from "./screens/Days";
import { Hands, Mine, Who } from "./screens/Hands";
import { Help } from "./screens/Help";
import { Language } from "./screens/Language";
import { Leave } from "./screens/Leave";
import { Looks } from "./screens/Looks";
import { More } from "./screens/More";
import { linkCode, Pair } from "./screens/Pair";
import { Phones } from "./screens/Phones";
import { Reminders } from "./screens/Reminders";
import { Sharing } from "./screens/Sharing";
import { Today } from "./screens/Today";
import { Unsent } from "./screens/Unsent";
import { isCovered } from "./store/cover";
import { isLocked, isNew } from "./store/roster";
import { who } from "./store/session";

const SCREENS: Record<Exclude<Place, "pair" | ProjectPlace>, () => preact.JSX.Element> = {
  today: Today,
  days: Days,
  more: More,
  help: Help,
  looks: Looks,
  language: Language,
  reminders: Reminders,
  phones: Phones,
  cover: CoverSettings,
  unsent: Unsent,
  sharing: Sharing,
  leave: Leave,
  hands: Hands,
};

export function App() {
  // A link with a code leads past a cover whose digits were forgotten, to the pairing and nowhere else.
  if (isCovered.value && !(place.value === "pair" && linkCode.value)) return <Cover />;
  if (isLocked.value && place.value !== "pair") return <Who />;
  if (who.value === null || place.value === "pair") return <Pair />;
  if (isNew.value) return <Mine />;
  const here = place.value;
  if (!(here in SCREENS)) {
    return (
      <Frame>
        <Later key={here + JSON.stringify(about.value)} place={here as ProjectPlace} />
      </Frame>
    );
  }
  const Screen = SCREENS[here as keyof typeof SCREENS];
  return (
    <Frame>
      <Screen key={here} />
    </Frame>
  );
}
