import { t, tn } from "../i18n";

/** What is said of digits that open nothing. `waitMs`: for how long none are looked at, one where there is no waiting. */
export function wrongDigits(waitMs: number): string {
  if (waitMs <= 1) return t("That code is wrong. Try again.");
  const minutes = Math.ceil(waitMs / 60_000);
  return tn("Too many tries. Try again in {n} minute.", "Too many tries. Try again in {n} minutes.", minutes);
}
