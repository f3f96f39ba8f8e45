import { computed, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../i18n";
import type { ProjectPlace } from "../routes";
import { LoadingScreen } from "./LoadingScreen";

/** The project's screens, once they are here: a file of their own, so that Today opens without them. */
const screens = signal<typeof import("../plan/screens") | null>(null);
const isMissing = signal(false);

export const isProjectHere = computed(() => screens.value !== null);

/** Fetches them, from the phone where they are kept, and lets the project read what the phone has of it. */
export async function fetchProject(): Promise<boolean> {
  if (screens.value) return true;
  isMissing.value = false;
  try {
    const module = await import("../plan/screens");
    await module.begin();
    screens.value = module;
  } catch {
    isMissing.value = true;
  }
  return !isMissing.value;
}

export function ProjectScreen({ place }: { place: ProjectPlace }) {
  useEffect(() => void fetchProject(), []);
  if (!screens.value) return <LoadingScreen title={t("My project")} isMissing={isMissing.value} again={fetchProject} />;
  const { Screen } = screens.value;
  return <Screen place={place} />;
}
