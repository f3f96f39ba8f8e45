import type { ComponentChildren } from "preact";
import { Icon, type IconName } from "./Icon";

interface Props {
  icon: IconName;
  isUrgent?: boolean;
  children: ComponentChildren;
}

/** Something the child should know, in one or two sentences, with what can be done about it. */
export function Banner({ icon, isUrgent = false, children }: Props) {
  return (
    <div class={isUrgent ? "banner urgent" : "banner"} role="status">
      <Icon name={icon} />
      <div class="banner-text">{children}</div>
    </div>
  );
}
