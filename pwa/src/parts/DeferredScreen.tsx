/** A screen that one opens now and then: from the phone, where its file is kept as those of the project are. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import { LoadingScreen } from "./LoadingScreen";

type Screens = typeof import("../screens/deferred");

const screens = signal<Screens | null>(null);
const isMissing = signal(false);

export const hasDeferred = () => screens.value !== null;

export async function fetchDeferred(): Promise<boolean> {
  isMissing.value = false;
  try {
    screens.value ??= await import("../screens/deferred");
  } catch {
    isMissing.value = true;
  }
  return !isMissing.value;
}

export function DeferredScreen({ show }: { show: keyof Screens }) {
  useEffect(() => void fetchDeferred(), []);
  const Screen = screens.value?.[show];
  if (Screen) return <Screen />;
  return <LoadingScreen title={t("More")} isMissing={isMissing.value} again={fetchDeferred} />;
}

/** A part of the first screen that can come a moment after it: nothing, until its file is there. */
export function DeferredPart({ show }: { show: keyof Screens }) {
  const Part = screens.value?.[show];
  return Part ? <Part /> : null;
}
