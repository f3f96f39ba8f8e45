/** A screen that one opens now and then: from the phone, where its file is kept as those of the project are. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { NotHere } from "./NotHere";

type Screens = typeof import("../screens/second");

const screens = signal<Screens | null>(null);
const isMissing = signal(false);

export async function fetchSecond(): Promise<void> {
  isMissing.value = false;
  try {
    screens.value ??= await import("../screens/second");
  } catch {
    isMissing.value = true;
  }
}

export function Second({ show }: { show: keyof Screens }) {
  useEffect(() => void fetchSecond(), []);
  const Screen = screens.value?.[show];
  if (Screen) return <Screen />;
  return <NotHere title={t("More")} isMissing={isMissing.value} again={fetchSecond} />;
}
