/** The way to being away, with how that stands: without a name or a place. The project's file makes the rest (away.ts). */
import { computed, signal } from "@preact/signals";
import { t } from "../i18n";

export const awayStands = signal("");

export const awayLine = computed(() => t("I'll be away") + awayStands.value);
