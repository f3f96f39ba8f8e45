/** Yes, partly, no: drawn, for people who read little. How full it is says as much as the sign in it. */
import type { Decision } from "./parties";

const SIGNS: Record<Decision, string> = {
  agree: "m14 25 8 8 13-16",
  in_part: "M24 6v36",
  disagree: "m16 16 16 16M32 16 16 32",
};

export function Picture({ decision }: { decision: Decision }) {
  return (
    <svg class={`picture ${decision}`} viewBox="0 0 48 48" aria-hidden="true">
      <circle class="ground" cx="24" cy="24" r="19" />
      {decision === "in_part" && <path class="filled" d="M24 5a19 19 0 0 0 0 38Z" />}
      <path class="sign" d={SIGNS[decision]} />
    </svg>
  );
}
